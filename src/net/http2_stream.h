#pragma once
// A request and its answer on an HTTP/2 connection.

#include <memory>
#include <string>

#include "env/event.h"
#include "net/http.h"

namespace wellhead::net {

class Http2Connection;

class Http2Stream final : public BodyReader {
  public:
    Http2Stream(Http2Connection& connection, int32_t id, env::Executor executor);

    // As the handler sees the body.
    env::Task<base::Result<base::Bytes>> Read() override;
    std::optional<uint64_t> length() const override { return length_; }
    const Headers& trailers() const override { return trailers_; }

    // As the frames come. How many bytes the field was counted for.
    size_t OnField(std::string_view name, std::string_view value, const struct HeadLimits& limits);
    void OnHeadEnd();
    void OnData(base::ByteView data);
    void OnRequestEnd();
    // Nothing more comes or goes; unread bytes are given back to the connection's window by the caller.
    size_t OnClose();

    // What goes out. Appended by the handler's task, taken by the writer.
    void Append(base::Bytes piece);
    void EndOutput();
    size_t TakeOutput(uint8_t* to, size_t room, bool& end);

    const int32_t id;
    HttpRequest request;
    int refusal = 0;          // status to answer with instead of calling the handler
    bool head_done = false;
    bool request_ended = false;
    bool closed = false;
    bool discard_body = false;  // the handler is done with it
    bool output_waits = false;  // the writer found nothing and is to be told
    size_t head_bytes() const { return head_bytes_; }
    size_t output_size() const { return output_.size() - output_begin_; }
    env::Event& drained() { return drained_; }

  private:
    Http2Connection& connection_;
    std::optional<uint64_t> length_;
    bool owes_continue_ = false;
    size_t head_bytes_ = 0;
    std::string body_;
    env::Event readable_;
    Headers trailers_;
    std::string output_;
    size_t output_begin_ = 0;
    bool output_ended_ = false;
    env::Event drained_;
};

}  // namespace wellhead::net
