// Messages a second through the rules engine, on one core, to a stream that costs nothing.

#include <benchmark/benchmark.h>

#include "env/run_task.h"
#include "services/iot/rules_engine.h"

namespace {

using namespace wellhead;
using namespace wellhead::services::iot;

class Surroundings final : public sql::iot::Surroundings {
  public:
    std::string NewUuid() override { return "00000000-0000-4000-8000-000000000000"; }
    double RandomFraction() override { return 0.5; }
    std::string_view account_id() const override { return "123456789012"; }
    std::optional<std::string> ThingShadow(std::string_view, std::string_view) override { return std::nullopt; }
    std::optional<int> ZoneOffset(std::string_view, base::Instant) override { return 0; }
};

class Targets final : public RuleTargets {
  public:
    env::Task<std::vector<base::Result<void>>> PutToStream(std::string, std::vector<StreamRecord> records) override {
        taken += records.size();
        co_return std::vector<base::Result<void>>(records.size());
    }
    env::Task<std::vector<base::Result<void>>> PutToDelivery(std::string, std::vector<DeliveryRecord> records) override {
        co_return std::vector<base::Result<void>>(records.size());
    }
    env::Task<base::Result<void>> PutObject(std::string, std::string, base::Bytes) override {
        co_return base::Result<void>();
    }
    env::Task<base::Result<void>> Publish(mqtt::PublishedMessage) override { co_return base::Result<void>(); }
    size_t taken = 0;
};

env::Task<void> DeliverOften(RulesEngine& engine, std::span<const mqtt::PublishedMessage> messages, int rounds) {
    for (int i = 0; i < rounds; ++i) {
        auto results = co_await engine.Deliver(messages);
        benchmark::DoNotOptimize(results);
    }
}

void Deliver(benchmark::State& state, const char* sql) {
    Surroundings surroundings;
    Targets targets;
    RulesEngine engine(targets, surroundings);
    TopicRule rule;
    rule.name = "oilfield";
    rule.sql = sql;
    rule.actions_json = R"([{"kinesis":{"streamName":"readings","partitionKey":"${topic(2)}","roleArn":"r"}}])";
    engine.SetRules({*CompileRule(rule)});
    auto batch = static_cast<size_t>(state.range(0));
    std::vector<mqtt::PublishedMessage> messages(batch);
    for (size_t i = 0; i < batch; ++i) {
        messages[i].message.topic = "oilfield/well-" + std::to_string(i % 10) + "/telemetry";
        messages[i].message.payload = R"({"timestamp":1764000000,"well":"well-07","barrels_per_second":0.8123,)"
                                      R"("reservoir_pressure_per_second":231.55})";
        messages[i].client_id = "well";
    }
    constexpr int kRounds = 100;
    for (auto _ : state) env::RunTask(DeliverOften(engine, messages, kRounds));
    state.SetItemsProcessed(state.iterations() * kRounds * state.range(0));
}

BENCHMARK_CAPTURE(Deliver, all, "SELECT * FROM 'oilfield/+/telemetry'")->Arg(1)->Arg(10)->Arg(100);
BENCHMARK_CAPTURE(Deliver, extended, "SELECT *, timestamp() AS ts FROM 'oilfield/+/telemetry'")->Arg(10)->Arg(100);

}  // namespace

BENCHMARK_MAIN();
