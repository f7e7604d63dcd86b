#pragma once
// One HTTP/1.1 connection, server side: requests in order, answers in order.

#include <string>

#include "net/http_connection.h"

namespace wellhead::net {

class Http1Connection final : public HttpConnection {
  public:
    // came is what was read from the stream already.
    Http1Connection(Stream& stream, HttpSetting setting, std::string came);
    env::Task<void> Run();
    void StopWhenIdle() override;

  private:
    class Body;
    enum class After { kNextRequest, kClose, kCloseAtOnce };

    env::Task<base::Result<std::optional<size_t>>> ReadHead();
    env::Task<After> Answer(RequestHead head);
    env::Task<base::Result<size_t>> Fill(size_t at_least_room);
    env::Task<After> Refuse(HttpViolation violation);
    env::Task<base::Result<bool>> Respond(const RequestHead& head, HttpResponse response, bool keep_alive);
    std::string RenderHead(const HttpResponse& response, std::optional<uint64_t> length, bool chunked,
                           bool keep_alive) const;
    env::Task<base::Result<void>> SendBytes(std::string head, base::ByteView body);
    env::Task<base::Result<void>> SendFile(std::string head, FileSlice slice);
    env::Task<base::Result<void>> SendSource(std::string head, BodySource& source, std::optional<uint64_t> length,
                                             bool chunked);
    env::Task<After> ServeWebSocket(const RequestHead& head, HttpResponse response);
    env::Task<void> LingerAndClose();
    std::string_view unread() const { return std::string_view(buffer_).substr(begin_); }
    void Take(size_t size) { begin_ += size; }

    Stream& stream_;
    const HttpSetting setting_;
    std::string buffer_;  // from begin_: read, not yet used
    size_t begin_ = 0;
    bool idle_ = true;
    bool stopping_ = false;
    HeadFinder finder_;
};

}  // namespace wellhead::net
