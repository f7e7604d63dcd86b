// Messages a second through one statement, on one core.

#include <benchmark/benchmark.h>

#include "sql/iot/statement.h"

namespace {

using namespace wellhead::sql::iot;

class Surroundings final : public wellhead::sql::iot::Surroundings {
  public:
    std::string NewUuid() override { return "00000000-0000-4000-8000-000000000000"; }
    double RandomFraction() override { return 0.5; }
    std::string_view account_id() const override { return "123456789012"; }
    std::optional<std::string> ThingShadow(std::string_view, std::string_view) override { return std::nullopt; }
    std::optional<int> ZoneOffset(std::string_view, wellhead::base::Instant) override { return 0; }
};

void Evaluate(benchmark::State& state, const char* sql) {
    Surroundings surroundings;
    Evaluator evaluator(surroundings);
    auto statement = *Statement::Compile(sql);
    std::string payload =
        R"({"timestamp":1764000000,"well":"well-07","barrels_per_second":0.8123,"reservoir_pressure_per_second":231.55})";
    MessageView message;
    message.topic = "oilfield/well-07/telemetry";
    message.payload = payload;
    message.client_id = "well-07";
    std::string out;
    for (auto _ : state) {
        out.clear();
        evaluator.Begin(message);
        benchmark::DoNotOptimize(evaluator.Select(*statement, out));
    }
    state.SetItemsProcessed(state.iterations());
}

BENCHMARK_CAPTURE(Evaluate, all, "SELECT * FROM 'oilfield/+/telemetry'");
BENCHMARK_CAPTURE(Evaluate, all_and_two, "SELECT *, topic(2) AS w, timestamp() AS ts FROM 'oilfield/+/telemetry'");
BENCHMARK_CAPTURE(Evaluate, where, "SELECT * FROM 'oilfield/+/telemetry' WHERE barrels_per_second > 0.5");
BENCHMARK_CAPTURE(Evaluate, fields, "SELECT well, barrels_per_second * 60 AS bpm FROM 'oilfield/+/telemetry'");

}  // namespace

BENCHMARK_MAIN();
