#include "server/running_server.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>

#include "env/posix/posix.h"
#include "env/scope.h"
#include "gateway/remote.h"

namespace wellhead::server {

namespace asio = boost::asio;
using asio::experimental::awaitable_operators::operator||;

base::Result<std::unique_ptr<RunningServer>> RunningServer::Find(const std::string& data_dir) {
    auto files = env::posix::MakeFiles();
    ASSIGN_OR_RETURN(Endpoints endpoints, ReadEndpoints(*files, data_dir));
    ASSIGN_OR_RETURN(RootKey key, ReadRootKey(*files, data_dir));
    return std::unique_ptr<RunningServer>(new RunningServer(std::move(endpoints), std::move(key)));
}

RunningServer::RunningServer(Endpoints endpoints, RootKey root_key)
    : endpoints_(std::move(endpoints)),
      root_key_(std::move(root_key)),
      clock_(env::posix::MakeClock()),
      files_(env::posix::MakeFiles()),
      client_({}),
      transport_(gateway::MakeTransport(
          client_, http_endpoint(),
          api::SigningIdentity{root_key_.access_key_id, root_key_.secret_access_key, "", endpoints_.region}, *clock_)) {}

net::HttpEndpoint RunningServer::http_endpoint() const {
    return {.tls = false, .host = endpoints_.Address(), .port = endpoints_.port};
}

api::CallContext RunningServer::Context() const {
    api::CallContext context;
    context.account_id = endpoints_.account_id;
    context.region = endpoints_.region;
    return context;
}

env::Task<void> RunningServer::Guard(env::Task<int> command, std::function<env::Task<void>()> when_cancelled,
                                    int& status) {
    asio::signal_set signals(co_await asio::this_coro::executor, SIGINT, SIGTERM);
    auto first = co_await (std::move(command) || signals.async_wait(asio::as_tuple(asio::use_awaitable)));
    status = first.index() == 0 ? std::get<0>(first) : 130;
    if (first.index() != 0 && when_cancelled) co_await when_cancelled();
    co_await client_.Close();
}

int RunningServer::Run(env::Task<int> command, std::function<env::Task<void>()> when_cancelled) {
    int status = 1;
    env::Scope scope;
    env::Spawn(scope, io_.get_executor(), "command", Guard(std::move(command), std::move(when_cancelled), status));
    io_.run();
    return status;
}

}  // namespace wellhead::server
