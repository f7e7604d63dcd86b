#include "server/up.h"

#include <fmt/color.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <cstdio>

#include "base/log.h"
#include "env/posix/posix.h"
#include "env/scope.h"
#include "pipeline/template.h"
#include "server/deploy_stack.h"
#include "server/node.h"

namespace wellhead::server {

namespace {

namespace asio = boost::asio;
using asio::experimental::awaitable_operators::operator||;

// A connection is a descriptor: the soft limit is often far below what the system would give.
void RaiseDescriptorLimit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

void ShowWhereItIs(const Node& node, const UpOptions& options) {
    const Endpoints& at = node.endpoints();
    fmt::print(stderr, "\nWellhead is up.\n");
    fmt::print(stderr, "  console       {}\n", at.ConsoleUrl());
    if (const auto& login = node.first_login()) {
        fmt::print(stderr, "  first login   {} / {}\n", login->username, login->password);
    }
    fmt::print(stderr, "  AWS endpoint  {}\n", at.AwsUrl());
    fmt::print(stderr, "  MQTT          mqtts://{}:{} (client certificates)\n", at.host, at.mqtt_port);
    if (at.plain_mqtt_port != 0) fmt::print(stderr, "                mqtt://127.0.0.1:{} (no certificates)\n", at.plain_mqtt_port);
    fmt::print(stderr, "  CA            {}\n", at.ca_file);
    std::string data_dir = options.data_dir == DefaultDataDir() ? "" : " --data-dir " + options.data_dir;
    fmt::print(stderr, "\n  eval \"$({} env{})\"    points the AWS CLI and every SDK here\n\n", options.program, data_dir);
}

// The line for programs: where everything is, once all of it is there.
void PrintReady(const Node& node) {
    fmt::print("{}\n", node.Summary());
    std::fflush(stdout);
}

env::Task<bool> Deploy(Node& node, DeployOptions options) {
    auto files = env::posix::MakeFiles();
    auto text = env::ReadWholeFile(*files, options.template_path, pipeline::kTemplateSizeLimit);
    if (!text) {
        fmt::print(stderr, "wellhead: {}\n", text.error().message);
        co_return false;
    }
    std::string name = StackNameOf(options);
    fmt::print(stderr, "{} -> stack {}\n", options.template_path, name);
    auto deployed = co_await DeployStack(node.cloudformation(), node.RootContext(), std::move(name), std::move(*text),
                                         std::move(options.parameters));
    if (!deployed) fmt::print(stderr, "wellhead: {}\n", deployed.error().message);
    co_return deployed.has_value();
}

env::Task<void> Run(UpOptions options, int& status) {
    status = 1;
    auto started = co_await Node::Start(options);
    if (!started) {
        fmt::print(stderr, "wellhead: {}\n", started.error().message);
        co_return;
    }
    Node& node = **started;
    asio::signal_set signals(co_await asio::this_coro::executor, SIGINT, SIGTERM);
    bool deployed = true;
    if (!options.deploy.template_path.empty()) {
        auto deploying = Deploy(node, options.deploy);
        // A signal while it deploys stops Wellhead; the deployment goes on with the next start.
        auto first = co_await (std::move(deploying) || signals.async_wait(asio::as_tuple(asio::use_awaitable)));
        deployed = first.index() == 0 && std::get<0>(first);
        if (first.index() == 1) fmt::print(stderr, "stopping\n");
    }
    if (deployed) {
        ShowWhereItIs(node, options);
        PrintReady(node);
        co_await signals.async_wait(asio::as_tuple(asio::use_awaitable));
        fmt::print(stderr, "stopping\n");
        status = 0;
    }
    co_await node.Stop();
}

}  // namespace

int RunUp(UpOptions options) {
    RaiseDescriptorLimit();
    asio::io_context context(1);
    env::Scope scope;
    int status = 1;
    env::Spawn(scope, context.get_executor(), "up", Run(std::move(options), status));
    context.run();
    return status;
}

}  // namespace wellhead::server
