#pragma once
// Simulate: wells that are registered by the API and publish their readings over mutual TLS, QoS 1.

#include <cstdint>
#include <string>
#include <vector>

#include "api/wire.h"
#include "env/clock.h"
#include "env/files.h"
#include "env/random.h"
#include "env/task.h"

namespace wellhead::simulator {

struct SimulateSettings {
    int wells = 10;
    double rate_hz = 1;     // readings a second of each well
    double duration_s = 0;  // 0: until cancelled
    double outliers = 0;    // probability of a reading being one
    uint64_t seed = 1;
    std::string thing_type = "well";
    std::string policy = "well";
    std::string topic = "oilfield/{}/telemetry";  // {} stands for the well's name
    std::string directory;                        // where certificates are kept
    std::string mqtt_host = "127.0.0.1";
    uint16_t mqtt_port = 8883;
    std::string authorities_pem;  // that the server's certificate is verified against
};

// Prints a line a second: published, acknowledged, latency. The exit code: 0, or 1 when the wells could not be registered.
// Each executor is that of a single-threaded io_context.
env::Task<int> Simulate(SimulateSettings settings, api::Transport& transport, env::Clock& clock, env::Random& random,
                        env::Files& files, std::vector<env::Executor> executors);

// The payload of one reading.
std::string TelemetryJson(std::string_view well, int64_t unix_ms, double barrels_per_second, double pressure);

}  // namespace wellhead::simulator
