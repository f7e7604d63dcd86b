#include "server/up.h"

#include <fmt/color.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cstdio>

#include "base/log.h"
#include "env/posix/posix.h"
#include "env/scope.h"
#include "pipeline/template.h"
#include "server/node.h"

namespace wellhead::server {

namespace {

namespace asio = boost::asio;
namespace json = boost::json;

// A connection is a descriptor: the soft limit is often far below what the system would give.
void RaiseDescriptorLimit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

std::string StackNameOf(const UpOptions& options) {
    if (!options.stack_name.empty()) return options.stack_name;
    std::string name = options.template_path.substr(options.template_path.find_last_of('/') + 1);
    return name.substr(0, name.find('.'));
}

void ShowStep(const pipeline::StackEvent& event) {
    if (event.status.ends_with("_IN_PROGRESS")) return;
    bool failed = event.status.find("FAILED") != std::string::npos ||
                  event.status.find("ROLLBACK") != std::string::npos;
    fmt::print(stderr, "  {} {:<24} {:<38} {}{}{}\n", failed ? "✗" : "✓", event.logical_id, event.type,
               event.status, event.reason.empty() ? "" : ": ", event.reason);
}

void ShowWhereItIs(const Node& node, const UpOptions& options) {
    const Endpoints& at = node.endpoints();
    fmt::print(stderr, "\nWellhead is up.\n");
    fmt::print(stderr, "  console       {}\n", at.ConsoleUrl());
    if (const FirstLogin* login = node.first_login()) {
        fmt::print(stderr, "  first login   {} / {}\n", login->username, login->password);
    }
    fmt::print(stderr, "  AWS endpoint  {}\n", at.AwsUrl());
    fmt::print(stderr, "  MQTT          mqtts://{}:{} (client certificates; CA: {}/ca.pem)\n", at.host,
               at.mqtt_port, options.data_dir);
    std::string data_dir = options.data_dir == DefaultDataDir() ? "" : " --data-dir " + options.data_dir;
    fmt::print(stderr, "\n  eval \"$(wellhead env{})\"    points the AWS CLI and every SDK here\n\n", data_dir);
}

// The line for programs: where everything is, once all of it is there.
void PrintReady(const Node& node) {
    json::object line = json::parse(node.endpoints().ToJson()).as_object();
    line["ready"] = true;
    if (const FirstLogin* login = node.first_login()) {
        line["first_login"] = json::object{{"username", login->username}, {"password", login->password}};
    }
    fmt::print("{}\n", json::serialize(line));
    std::fflush(stdout);
}

env::Task<void> Run(UpOptions options, int& status) {
    status = 1;
    auto started = co_await Node::Start(options);
    if (!started) {
        fmt::print(stderr, "wellhead: {}\n", started.error().message);
        co_return;
    }
    Node& node = **started;
    bool deployed = true;
    if (!options.template_path.empty()) {
        auto files = env::posix::MakeFiles();
        auto text = env::ReadWholeFile(*files, options.template_path, pipeline::kTemplateSizeLimit);
        if (!text) {
            fmt::print(stderr, "wellhead: {}\n", text.error().message);
            deployed = false;
        } else {
            std::string stack = StackNameOf(options);
            fmt::print(stderr, "{} -> stack {}\n", options.template_path, stack);
            auto result = co_await node.Deploy(stack, std::move(*text), options.parameters, ShowStep);
            deployed = result.has_value();
            if (!deployed) fmt::print(stderr, "wellhead: {}\n", result.error().message);
        }
    }
    if (deployed) {
        ShowWhereItIs(node, options);
        PrintReady(node);
        asio::signal_set signals(co_await asio::this_coro::executor, SIGINT, SIGTERM);
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
