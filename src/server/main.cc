// wellhead: one program, its commands.

#include <fmt/format.h>

#include <csignal>

#include "env/posix/posix.h"
#include "query/duckdb/worker.h"
#include "server/data_dir.h"
#include "server/options.h"
#include "server/simulate.h"
#include "server/up.h"

namespace wellhead::server {

namespace {

int RunEnv(const Options& options) {
    auto files = env::posix::MakeFiles();
    auto endpoints = ReadEndpoints(*files, options.data_dir);
    auto key = ReadRootKey(*files, options.data_dir);
    if (!endpoints || !key) {
        fmt::print(stderr, "wellhead: {}\n", (endpoints ? key.error() : endpoints.error()).message);
        return 1;
    }
    fmt::print("export AWS_ENDPOINT_URL={}\n", endpoints->AwsUrl());
    fmt::print("export AWS_ACCESS_KEY_ID={}\n", key->access_key_id);
    fmt::print("export AWS_SECRET_ACCESS_KEY={}\n", key->secret_access_key);
    fmt::print("export AWS_REGION={} AWS_DEFAULT_REGION={}\n", endpoints->region, endpoints->region);
    fmt::print("unset AWS_SESSION_TOKEN AWS_PROFILE\n");
    return 0;
}

int RunStatus(const Options& options) {
    auto files = env::posix::MakeFiles();
    auto endpoints = ReadEndpoints(*files, options.data_dir);
    if (!endpoints) {
        fmt::print(stderr, "wellhead: {}\n", endpoints.error().message);
        return 1;
    }
    // The lock is free exactly when no server runs.
    bool running = !env::posix::FileLock::Acquire(options.data_dir + "/lock").has_value();
    fmt::print("{}\n  console       {}\n  AWS endpoint  {}\n  MQTT          mqtts://{}:{}\n  data          {}\n",
               running ? fmt::format("running (process {})", endpoints->pid) : "not running",
               endpoints->ConsoleUrl(), endpoints->AwsUrl(), endpoints->host, endpoints->mqtt_port,
               options.data_dir);
    return running ? 0 : 3;
}

int Run(const Options& options) {
    switch (options.command) {
        case Command::kUp: return RunUp(options.up);
        case Command::kEnv: return RunEnv(options);
        case Command::kStatus: return RunStatus(options);
        case Command::kSimulate: return RunSimulate(options.simulate);
        case Command::kSqlWorker: return query::duckdb::RunSqlWorker(options.worker_fd);
        case Command::kVersion: fmt::print("wellhead {}\n", WELLHEAD_VERSION); return 0;
    }
    return 2;
}

}  // namespace

}  // namespace wellhead::server

int main(int argc, char** argv) {
    // A peer that goes away is an error of its write, not a signal.
    std::signal(SIGPIPE, SIG_IGN);
    auto options = wellhead::server::ParseOptions(argc, argv);
    if (!options) return options.error();
    return wellhead::server::Run(*options);
}
