#include "net/connect.h"

#include <fmt/format.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "env/deadline.h"
#include "net/tls_stream.h"

namespace wellhead::net {

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using base::ErrorCode;
using base::Result;

env::Task<Result<std::vector<tcp::endpoint>>> Resolve(const ConnectOptions& options) {
    boost::system::error_code error;
    auto address = asio::ip::make_address(options.host, error);
    std::vector<tcp::endpoint> endpoints;
    if (!error) {
        endpoints.emplace_back(address, options.port);
        co_return endpoints;
    }
    tcp::resolver resolver(co_await asio::this_coro::executor);
    auto [resolve_error, found] = co_await resolver.async_resolve(options.host, std::to_string(options.port),
                                                                  asio::as_tuple(asio::use_awaitable));
    if (resolve_error) {
        co_return base::Fail(ErrorCode::kUnavailable,
                             fmt::format("{}: {}", options.host, resolve_error.message()));
    }
    for (const auto& entry : found) endpoints.push_back(entry.endpoint());
    co_return endpoints;
}

env::Task<Result<std::unique_ptr<Stream>>> ConnectToAny(const ConnectOptions& options) {
    CO_ASSIGN_OR_RETURN(auto endpoints, co_await Resolve(options));
    boost::system::error_code failure = asio::error::host_not_found;
    for (const tcp::endpoint& endpoint : endpoints) {
        tcp::socket socket(co_await asio::this_coro::executor);
        auto [error] = co_await socket.async_connect(endpoint, asio::as_tuple(asio::use_awaitable));
        failure = error;
        if (error) continue;
        socket.native_non_blocking(true, failure);
        int descriptor = socket.release(failure);
        if (failure) continue;
        StreamOrigin origin;
        origin.peer = {endpoint.address().to_string(), endpoint.port()};
        env::Executor executor = socket.get_executor();
        auto plain = std::make_unique<SocketStream>(std::move(executor), descriptor, std::move(origin));
        if (!options.tls) co_return std::unique_ptr<Stream>(std::move(plain));
        std::string server_name = options.server_name.empty() ? options.host : options.server_name;
        co_return co_await ConnectTls(std::move(plain), options.tls, std::move(server_name));
    }
    co_return base::Fail(ErrorCode::kUnavailable,
                         fmt::format("{}:{}: {}", options.host, options.port, failure.message()));
}

}  // namespace

env::Task<Result<std::unique_ptr<Stream>>> Connect(ConnectOptions options) {
    auto stream = co_await env::WithDeadline(ConnectToAny(options), options.limit);
    if (!stream) {
        co_return base::Fail(ErrorCode::kTimeout,
                             fmt::format("{}:{} did not answer in time", options.host, options.port));
    }
    co_return std::move(*stream);
}

}  // namespace wellhead::net
