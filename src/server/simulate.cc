#include "server/simulate.h"

#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>

#include "env/posix/posix.h"
#include "env/scope.h"
#include "gateway/remote.h"
#include "net/http_client.h"
#include "server/data_dir.h"
#include "simulator/simulate.h"

namespace wellhead::server {

namespace {

constexpr uint64_t kCertificateLimit = 1 << 20;

env::Task<void> Play(simulator::SimulateSettings settings, api::Transport& transport, net::HttpClient& client,
                     env::Clock& clock, env::Random& random, env::Files& files, env::Executor executor,
                     boost::asio::signal_set& signals, int& exit_code) {
    // Cancelled by a signal: what follows is still done.
    co_await boost::asio::this_coro::throw_if_cancelled(false);
    std::vector<env::Executor> executors{executor};
    exit_code = co_await simulator::Simulate(std::move(settings), transport, clock, random, files, executors);
    co_await client.Close();
    signals.cancel();
}

}  // namespace

int RunSimulate(const SimulateOptions& options) {
    auto files = env::posix::MakeFiles();
    auto clock = env::posix::MakeClock();
    auto random = env::posix::MakeRandom();
    auto endpoints = ReadEndpoints(*files, options.data_dir);
    auto key = ReadRootKey(*files, options.data_dir);
    auto authorities = env::ReadWholeFile(*files, options.data_dir + "/ca.pem", kCertificateLimit);
    if (!endpoints || !key || !authorities) {
        const base::Error& error = !endpoints ? endpoints.error() : !key ? key.error() : authorities.error();
        fmt::print(stderr, "wellhead: {}\n", error.message);
        return 1;
    }
    simulator::SimulateSettings settings;
    settings.wells = options.wells;
    settings.rate_hz = options.rate_hz;
    settings.duration_s = options.duration_s;
    settings.outliers = options.outliers;
    settings.seed = options.seed;
    settings.thing_type = options.thing_type;
    settings.policy = options.policy;
    settings.topic = options.topic;
    settings.directory = options.data_dir + "/simulator";
    settings.mqtt_host = endpoints->Address();
    settings.mqtt_port = endpoints->mqtt_port;
    settings.authorities_pem = *authorities;

    boost::asio::io_context io(1);
    net::HttpClient client({});
    net::HttpEndpoint endpoint{.tls = false, .host = endpoints->Address(), .port = endpoints->port};
    api::SigningIdentity identity{key->access_key_id, key->secret_access_key, "", endpoints->region};
    auto transport = gateway::MakeTransport(client, endpoint, identity, *clock);
    int exit_code = 1;
    env::Scope scope;
    boost::asio::signal_set signals(io, SIGINT, SIGTERM);
    signals.async_wait([&scope](auto error, int) {
        if (!error) scope.Cancel();
    });
    env::Spawn(scope, io.get_executor(), "simulate",
               Play(std::move(settings), *transport, client, *clock, *random, *files, io.get_executor(), signals,
                    exit_code));
    io.run();
    return exit_code;
}

}  // namespace wellhead::server
