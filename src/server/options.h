#pragma once
// The command line (wellhead --help is its documentation).

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace wellhead::server {

enum class Command { kUp, kDeploy, kSql, kEnv, kStatus, kVersion, kSqlWorker, kSimulate };

// A template, and the stack it is to become.
struct DeployOptions {
    std::string template_path;
    std::string stack_name;  // empty: the file's name
    std::map<std::string, std::string> parameters;
};

struct UpOptions {
    DeployOptions deploy;  // template_path empty: start without a pipeline
    std::string data_dir;
    std::string listen = "127.0.0.1";
    uint16_t port = 4566;
    uint16_t mqtt_port = 8883;
    uint16_t console_port = 8080;
    std::optional<uint16_t> plain_mqtt_port;
    std::string mqtt_profile = "standard";  // or "aws"
    bool mqtt_require_server_name = false;
    std::string account_id = "000000000000";
    std::string region = "us-east-1";
    int threads = 0;  // 0: one per core
    base::Duration creation_delay{0};
    bool allow_reset = false;
    std::string program = "wellhead";  // as it was called, for lines to paste

    // The address to reach it by from this machine, as it stands in an address.
    std::string Host() const;
};

struct SqlOptions {
    std::string statement;
    std::string database;
    std::string work_group = "primary";
    std::string output_location;  // empty: the work group's, or a bucket of the account's own
    bool csv = false;
};

struct SimulateOptions {
    std::string data_dir;
    int wells = 10;
    double rate_hz = 1;
    double duration_s = 0;
    double outliers = 0;
    uint64_t seed = 1;
    std::string thing_type = "well";
    std::string policy = "well";
    std::string topic = "oilfield/{}/telemetry";
};

struct Options {
    Command command = Command::kVersion;
    UpOptions up;
    DeployOptions deploy;
    SqlOptions sql;
    SimulateOptions simulate;
    std::string data_dir;  // of the running server that the other commands ask
    bool json = false;     // status
    int worker_fd = -1;
};

// Parses argv. A number instead of options means: exit with it (help was printed, or an error was).
std::expected<Options, int> ParseOptions(int argc, char** argv);

// "250ms", "10s", "2m", "1h"; a bare number is seconds. Nothing when it is none of these or longer than a day.
std::optional<base::Duration> ParseDuration(std::string_view text);

// $WELLHEAD_DATA_DIR, or wellhead below $XDG_DATA_HOME, or ~/.local/share/wellhead.
std::string DefaultDataDir();

}  // namespace wellhead::server
