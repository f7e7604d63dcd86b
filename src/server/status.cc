#include "server/status.h"

#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "apis/cloudformation/client.h"
#include "apis/iot/client.h"
#include "apis/kinesis/client.h"
#include "apis/s3/client.h"
#include "env/posix/file_lock.h"
#include "env/posix/posix.h"
#include "server/running_server.h"

namespace wellhead::server {

namespace {

namespace json = boost::json;

constexpr uint64_t kHealthLimit = 64 << 10;

// "a, b, c" of at most ten.
std::string Listed(const std::vector<std::string>& names) {
    constexpr size_t kShown = 10;
    std::string text = fmt::format("{}", names.size());
    for (size_t i = 0; i < names.size() && i < kShown; ++i) text += (i == 0 ? ": " : ", ") + names[i];
    if (names.size() > kShown) text += ", ...";
    return text;
}

json::array Json(const std::vector<std::string>& names) { return json::array(names.begin(), names.end()); }

// What the server says of itself. Gathered by the same calls that any client could make.
class StatusReport {
  public:
    StatusReport(RunningServer& server, std::string data_dir, bool as_json)
        : server_(server), data_dir_(std::move(data_dir)), as_json_(as_json) {}

    env::Task<int> Run() {
        json::object report = json::parse(server_.endpoints().ToJson()).as_object();
        report["running"] = true;
        auto health = co_await Health();
        if (!health) {
            report["health"] = health.error().message;
            Print(report, {{"health", "does not answer: " + health.error().message}});
            co_return 1;
        }
        report["health"] = *health;
        report["free_bytes"] = server_.files().FreeSpace(data_dir_).value_or(0);
        Lines lines = {{"health", Field(*health, "status") + ", version " + Field(*health, "version")}};
        auto add = [&](const char* name, api::Outcome<std::vector<std::string>> names) {
            if (!names) {
                lines.emplace_back(name, names.error().message);
                return;
            }
            lines.emplace_back(name, Listed(*names));
            report[name] = Json(*names);
        };
        add("stacks", co_await Stacks());
        add("things", co_await Things());
        add("streams", co_await Streams());
        add("buckets", co_await Buckets());
        Print(report, lines);
        co_return 0;
    }

  private:
    using Lines = std::vector<std::pair<std::string, std::string>>;

    env::Task<base::Result<json::object>> Health() {
        net::HttpClientRequest request;
        request.target = "/health";
        CO_ASSIGN_OR_RETURN(auto answer, co_await server_.http().Send(server_.http_endpoint(), std::move(request)));
        CO_ASSIGN_OR_RETURN(base::Bytes body, co_await net::ReadAll(*answer.body, kHealthLimit));
        boost::system::error_code error;
        json::value value = json::parse(body, error);
        if (error || !value.is_object() || answer.status != 200) {
            co_return base::Fail(base::ErrorCode::kUnavailable, fmt::format("status {} from /health", answer.status));
        }
        co_return value.as_object();
    }

    env::Task<api::Outcome<std::vector<std::string>>> Stacks() {
        namespace wire = apis::cloudformation;
        auto api = wire::MakeClient(server_.transport(), server_.endpoints().region);
        wire::DescribeStacksInput input;
        auto described = co_await api->DescribeStacks(server_.Context(), std::move(input));
        if (!described) co_return std::unexpected(described.error());
        std::vector<std::string> names;
        for (const auto& stack : *described->Stacks) names.push_back(stack.StackName + " " + stack.StackStatus);
        co_return names;
    }

    env::Task<api::Outcome<std::vector<std::string>>> Things() {
        namespace wire = apis::iot;
        auto api = wire::MakeClient(server_.transport(), server_.endpoints().region);
        std::vector<std::string> names;
        wire::ListThingsRequest input;
        do {
            auto page = co_await api->ListThings(server_.Context(), input);
            if (!page) co_return std::unexpected(page.error());
            if (page->things) {
                for (const auto& thing : *page->things) names.push_back(thing.thingName.value_or(""));
            }
            input.nextToken = page->nextToken;
        } while (input.nextToken);
        co_return names;
    }

    env::Task<api::Outcome<std::vector<std::string>>> Streams() {
        namespace wire = apis::kinesis;
        auto api = wire::MakeClient(server_.transport(), server_.endpoints().region);
        wire::ListStreamsInput input;
        auto listed = co_await api->ListStreams(server_.Context(), std::move(input));
        if (!listed) co_return std::unexpected(listed.error());
        co_return listed->StreamNames;
    }

    env::Task<api::Outcome<std::vector<std::string>>> Buckets() {
        namespace wire = apis::s3;
        auto api = wire::MakeClient(server_.transport(), server_.endpoints().region);
        wire::ListBucketsRequest input;
        auto listed = co_await api->ListBuckets(server_.Context(), std::move(input));
        if (!listed) co_return std::unexpected(listed.error());
        std::vector<std::string> names;
        if (listed->Buckets) {
            for (const auto& bucket : *listed->Buckets) names.push_back(bucket.Name.value_or(""));
        }
        co_return names;
    }

    static std::string Field(const json::object& object, std::string_view name) {
        const json::value* value = object.if_contains(name);
        return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string("?");
    }

    void Print(const json::object& report, const Lines& lines) {
        if (as_json_) {
            fmt::print("{}\n", json::serialize(report));
            return;
        }
        const Endpoints& at = server_.endpoints();
        fmt::print("running (process {})\n", at.pid);
        auto line = [](std::string_view name, std::string_view value) { fmt::print("  {:<13} {}\n", name, value); };
        line("console", at.ConsoleUrl());
        line("AWS endpoint", at.AwsUrl());
        line("MQTT", fmt::format("mqtts://{}:{}", at.host, at.mqtt_port));
        if (at.plain_mqtt_port != 0) line("plain MQTT", fmt::format("mqtt://127.0.0.1:{}", at.plain_mqtt_port));
        line("CA", at.ca_file);
        line("data", fmt::format("{} ({} MiB free)", data_dir_,
                                 server_.files().FreeSpace(data_dir_).value_or(0) >> 20));
        for (const auto& [name, value] : lines) line(name, value);
    }

    RunningServer& server_;
    const std::string data_dir_;
    const bool as_json_;
};

}  // namespace

int RunEnv(const Options& options) {
    auto server = RunningServer::Find(options.data_dir);
    if (!server) {
        fmt::print(stderr, "wellhead: {}\n", server.error().message);
        return 1;
    }
    const Endpoints& at = (*server)->endpoints();
    const RootKey& key = (*server)->root_key();
    fmt::print("export AWS_ENDPOINT_URL={}\n", at.AwsUrl());
    fmt::print("export AWS_ACCESS_KEY_ID={}\n", key.access_key_id);
    fmt::print("export AWS_SECRET_ACCESS_KEY={}\n", key.secret_access_key);
    fmt::print("export AWS_REGION={} AWS_DEFAULT_REGION={}\n", at.region, at.region);
    fmt::print("export WELLHEAD_CA_FILE='{}'\n", at.ca_file);
    fmt::print("unset AWS_SESSION_TOKEN AWS_PROFILE\n");
    return 0;
}

int RunStatus(const Options& options) {
    auto server = RunningServer::Find(options.data_dir);
    if (!server) {
        fmt::print(stderr, "wellhead: {}\n", server.error().message);
        return server.error().code == base::ErrorCode::kNotFound ? 3 : 1;
    }
    // The lock is free exactly when no server runs.
    if (env::posix::FileLock::Acquire(options.data_dir + "/lock").has_value()) {
        if (options.json) {
            fmt::print("{}\n", json::serialize(json::object{{"running", false}, {"data_dir", options.data_dir}}));
        } else {
            fmt::print("not running\n  data          {}\n", options.data_dir);
        }
        return 3;
    }
    StatusReport report(**server, options.data_dir, options.json);
    return (*server)->Run(report.Run());
}

}  // namespace wellhead::server
