#pragma once
// For tests: an HTTP server on a memory stream, spoken to in raw bytes.

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <string>

#include "env/posix/posix.h"
#include "env/scope.h"
#include "net/http_server.h"
#include "net/memory_stream.h"

namespace wellhead::net {

class HttpTestConnection {
  public:
    explicit HttpTestConnection(HttpHandler& handler, HttpLimits limits = {}, StreamOrigin origin = {})
        : clock_(env::posix::MakeClock()), protocol_(handler, *clock_, limits) {
        auto [server, client] = MemoryStream::MakePair(io_.get_executor(), 16 << 20);
        server_ = std::move(server);
        client_ = std::move(client);
        server_->set_origin(std::move(origin));
        env::Spawn(scope_, io_.get_executor(), "serve", Serve());
    }
    ~HttpTestConnection() {
        client_->Close();
        scope_.Cancel();
        io_.restart();
        io_.run();
    }

    // What the server sent until it had nothing more to do.
    std::string Send(std::string_view bytes) {
        base::ByteView pieces[] = {bytes};
        EXPECT_EQ(client_->TryWrite(pieces).value_or(0), bytes.size());
        return Receive();
    }
    std::string Receive() {
        io_.restart();
        while (io_.poll() > 0) {
        }
        std::string all;
        char buffer[8192];
        for (;;) {
            auto size = client_->TryRead(buffer);
            if (!size || !*size || **size == 0) break;
            all.append(buffer, **size);
            while (io_.poll() > 0) {
            }
        }
        return all;
    }
    void EndInput() { client_->CloseWrite(); }
    void PassReadLimit() { server_->PassReadLimit(); }
    void StopWhenIdle() { protocol_.StopWhenIdle(io_.get_executor()); }
    bool ended() const { return ended_; }
    MemoryStream& server() { return *server_; }
    boost::asio::io_context& io() { return io_; }

  private:
    env::Task<void> Serve() {
        co_await protocol_.Serve(*server_);
        server_->Close();
        ended_ = true;
    }

    boost::asio::io_context io_;
    std::unique_ptr<env::Clock> clock_;
    HttpProtocol protocol_;
    std::unique_ptr<MemoryStream> server_;
    std::unique_ptr<MemoryStream> client_;
    bool ended_ = false;
    env::Scope scope_;
};

}  // namespace wellhead::net
