#include "net/http_server.h"

#include <boost/asio/post.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/execution/context.hpp>
#include <list>
#include <mutex>
#include <unordered_map>

#include "net/http1_connection.h"
#include "net/http2_connection.h"

namespace wellhead::net {

namespace {

constexpr std::string_view kHttp2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

using Connections = std::list<HttpConnection*>;

class Place {
  public:
    Place(Connections& connections, HttpConnection& connection)
        : connections_(connections), place_(connections.insert(connections.end(), &connection)) {}
    ~Place() { connections_.erase(place_); }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

  private:
    Connections& connections_;
    Connections::iterator place_;
};

}  // namespace

struct HttpProtocol::State {
    State(HttpHandler& http_handler, env::Clock& server_clock, HttpLimits http_limits)
        : handler(http_handler), clock(server_clock), limits(http_limits) {}

    // The connections of an executor; the list is touched there only.
    Connections& Of(const env::Executor& executor) {
        std::lock_guard lock(mutex);
        return connections[&boost::asio::query(executor, boost::asio::execution::context)];
    }

    HttpHandler& handler;
    env::Clock& clock;
    const HttpLimits limits;
    std::mutex mutex;
    std::unordered_map<const void*, Connections> connections;
};

HttpProtocol::HttpProtocol(HttpHandler& handler, env::Clock& clock, HttpLimits limits)
    : state_(std::make_unique<State>(handler, clock, limits)) {}
HttpProtocol::~HttpProtocol() = default;

namespace {

// Reads until it is clear whether the HTTP/2 preface comes; what was read goes into came.
env::Task<base::Result<bool>> SpeaksHttp2(Stream& stream, const HttpLimits& limits, std::string& came) {
    stream.LimitRead(limits.idle_limit);
    char buffer[4096];
    for (;;) {
        std::string_view seen(came);
        bool could_be = kHttp2Preface.starts_with(seen.substr(0, kHttp2Preface.size()));
        if (!came.empty() && (!could_be || came.size() >= kHttp2Preface.size())) co_return could_be;
        CO_ASSIGN_OR_RETURN(size_t size, co_await ReadSome(stream, buffer));
        if (size == 0) co_return base::Fail(base::ErrorCode::kUnavailable, "closed before the first request");
        if (came.empty()) stream.LimitRead(limits.head_limit);
        came.append(buffer, size);
    }
}

}  // namespace

env::Task<void> HttpProtocol::Serve(Stream& stream) {
    HttpSetting setting{state_->handler, state_->clock, state_->limits};
    Connections& connections = state_->Of(stream.executor());
    std::string came;
    bool http2 = stream.origin().alpn == "h2";
    if (!http2 && stream.origin().alpn != "http/1.1") {
        auto speaks = co_await SpeaksHttp2(stream, state_->limits, came);
        if (!speaks) co_return;
        http2 = *speaks;
    }
    if (http2) {
        Http2Connection connection(stream, setting, std::move(came));
        Place place(connections, connection);
        co_await connection.Run();
    } else {
        Http1Connection connection(stream, setting, std::move(came));
        Place place(connections, connection);
        co_await connection.Run();
    }
}

void HttpProtocol::StopWhenIdle(const env::Executor& executor) {
    for (HttpConnection* connection : state_->Of(executor)) connection->StopWhenIdle();
}

base::Result<std::unique_ptr<HttpServer>> HttpServer::Start(std::vector<env::Executor> executors,
                                                            ListenerOptions listener, HttpLimits limits,
                                                            HttpHandler& handler, env::Clock& clock) {
    std::unique_ptr<HttpServer> server(new HttpServer);
    server->executors_ = executors;
    server->protocol_ = std::make_shared<HttpProtocol>(handler, clock, limits);
    ASSIGN_OR_RETURN(server->listener_,
                     StreamListener::Start(std::move(executors), std::move(listener), *server->protocol_));
    return server;
}

HttpServer::~HttpServer() = default;

env::Task<void> HttpServer::Stop(base::Duration grace) {
    listener_->StopAccepting();
    for (const env::Executor& executor : executors_) {
        boost::asio::post(executor, [protocol = protocol_, executor] { protocol->StopWhenIdle(executor); });
    }
    co_await listener_->Stop(grace);
}

}  // namespace wellhead::net
