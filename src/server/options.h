#pragma once
// The command line (wellhead --help is its documentation).

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace wellhead::server {

enum class Command { kUp, kEnv, kStatus, kVersion, kSqlWorker, kSimulate };

struct UpOptions {
    std::string template_path;  // empty: start without a pipeline
    std::string stack_name;     // of the template; empty: the file's name
    std::string data_dir;
    std::string listen = "127.0.0.1";
    uint16_t port = 4566;
    uint16_t mqtt_port = 8883;
    uint16_t console_port = 8080;
    std::optional<uint16_t> plain_mqtt_port;
    std::string mqtt_profile = "standard";  // or "aws"
    std::string account_id = "000000000000";
    std::string region = "us-east-1";
    int threads = 0;  // 0: one per core
    std::map<std::string, std::string> parameters;
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
    SimulateOptions simulate;
    std::string data_dir;  // of the running server that env and status ask about
    int worker_fd = -1;
};

// Parses argv. A number instead of options means: exit with it (help was printed, or an error was).
std::expected<Options, int> ParseOptions(int argc, char** argv);

// $WELLHEAD_DATA_DIR, or wellhead below $XDG_DATA_HOME, or ~/.local/share/wellhead.
std::string DefaultDataDir();

}  // namespace wellhead::server
