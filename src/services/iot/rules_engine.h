#pragma once
// The rules engine: the SQL of every rule over the messages on its topics, and its actions.

#include <atomic>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "mqtt/ports.h"
#include "services/iot/rule.h"
#include "services/iot/rule_targets.h"

namespace wellhead::services::iot {

class RuleRound;

class RulesEngine {
  public:
    // Both outlive the engine.
    RulesEngine(RuleTargets& targets, sql::iot::Surroundings& surroundings);
    ~RulesEngine();

    // The rules from now on; messages under way finish with those before.
    void SetRules(std::vector<std::shared_ptr<const CompiledRule>> rules);

    // As mqtt::PublishSink::Deliver. An action that failed and that no error action took over means no acknowledgement;
    // a payload that a rule cannot read is the payload's fault and does not hold the acknowledgement back.
    env::Task<std::vector<base::Result<void>>> Deliver(std::span<const mqtt::PublishedMessage> messages);

    // Basic Ingest: $aws/rules/<rule>/<topic> runs that rule alone, past the broker.
    static bool IsBasicIngest(std::string_view topic);

  private:
    struct RuleSet;
    struct Scratch;
    class Borrowed;
    void EvaluateAll(std::span<const mqtt::PublishedMessage> messages, const std::shared_ptr<const RuleSet>& rules,
                     RuleRound& round);

    RuleTargets& targets_;
    sql::iot::Surroundings& surroundings_;
    std::atomic<std::shared_ptr<const RuleSet>> rules_;
    std::mutex mutex_;
    std::vector<std::unique_ptr<Scratch>> scratches_;
};

}  // namespace wellhead::services::iot
