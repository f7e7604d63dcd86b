#pragma once
// One HTTP/2 connection, server side (RFC 9113): nghttp2 is the state machine, this carries its bytes and runs a task per
// stream.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "env/event.h"
#include "env/scope.h"
#include "net/http_connection.h"

struct nghttp2_session;

namespace wellhead::net {

class Http2Stream;
struct Http2Callbacks;

class Http2Connection final : public HttpConnection {
  public:
    // came is what was read from the stream already.
    Http2Connection(Stream& stream, HttpSetting setting, std::string came);
    ~Http2Connection() override;
    env::Task<void> Run();
    void StopWhenIdle() override;

  private:
    friend class Http2Stream;
    friend struct Http2Callbacks;

    bool StartSession();
    env::Task<void> ReadFrames(std::string came);
    env::Task<void> WriteFrames();
    base::Result<void> Feed(base::ByteView bytes);
    void LimitNextRead();
    env::Task<void> ServeStream(std::shared_ptr<Http2Stream> stream);
    env::Task<void> Respond(Http2Stream& stream, HttpResponse response, bool head_request);
    env::Task<base::Result<void>> SendFile(Http2Stream& stream, FileSlice slice);
    env::Task<base::Result<void>> SendSource(Http2Stream& stream, BodySource& source, std::optional<uint64_t> length);
    env::Task<bool> WaitDrained(Http2Stream& stream);
    env::Task<base::Result<void>> Push(Http2Stream& stream, base::Bytes piece);
    bool SubmitHead(Http2Stream& stream, const HttpResponse& response, std::optional<uint64_t> length, bool body);
    void Reset(Http2Stream& stream, uint32_t code);
    void OnPeerReset();
    void WakeWriter() { writable_.Set(); }

    Stream& stream_;
    const HttpSetting setting_;
    std::string came_;
    nghttp2_session* session_ = nullptr;
    std::map<int32_t, std::shared_ptr<Http2Stream>> streams_;
    std::vector<std::shared_ptr<Http2Stream>> ready_;  // requests whose head is complete, to be started
    env::Scope handlers_;
    env::Event writable_;
    env::Event ended_;  // a handler has
    int running_ = 0;
    size_t head_bytes_ = 0;  // of all streams
    int bodies_awaited_ = 0;
    uint64_t served_ = 0;
    uint64_t resets_ = 0;
    bool broken_ = false;
};

}  // namespace wellhead::net
