#pragma once
// One round of the rules engine: what the rules make of the messages that came together, gathered by where it goes,
// then carried there. Evaluation waits for nothing; carrying waits until everything is durable.

#include <span>
#include <string>
#include <vector>

#include "mqtt/ports.h"
#include "services/iot/rule.h"
#include "services/iot/rule_targets.h"

namespace wellhead::services::iot {

class RuleRound {
  public:
    explicit RuleRound(size_t messages) : results_(messages) {}

    // The message that Evaluate is about. message outlives the evaluation.
    void Begin(size_t index, const mqtt::PublishedMessage& message, sql::iot::Evaluator& evaluator);
    void Evaluate(const CompiledRule& rule, sql::iot::Evaluator& evaluator);

    bool has_work() const { return !streams_.empty() || !deliveries_.empty() || !objects_.empty() ||
                                   !publishes_.empty() || !failures_.empty(); }
    // Carries everything gathered; what fails becomes a failure.
    env::Task<void> Carry(RuleTargets& targets);

    bool has_failures() const { return !failures_.empty(); }
    bool has_passing_failures() const;
    // Gathers anew, from the messages, the actions whose failure may pass by itself.
    void GatherAgain(std::span<const mqtt::PublishedMessage> messages, sql::iot::Evaluator& evaluator);
    // Gathers the error action of each failed rule and message; failures of rules without one become the message's
    // result.
    void TurnToErrorActions(std::span<const mqtt::PublishedMessage> messages, sql::iot::Surroundings& surroundings,
                            sql::iot::Evaluator& evaluator);
    // Failures of error actions become the messages' results.
    void Settle();

    std::vector<base::Result<void>> TakeResults() { return std::move(results_); }

  private:
    // Whose record it is.
    struct Origin {
        size_t message;
        const CompiledRule* rule;
        const RuleAction* action;
    };
    struct StreamBatch {
        std::string name;
        std::vector<StreamRecord> records;
        std::vector<Origin> origins;
    };
    struct DeliveryBatch {
        std::string name;
        std::vector<DeliveryRecord> records;
        std::vector<Origin> origins;
    };
    struct ObjectPut {
        std::string bucket, key;
        base::Bytes data;
        Origin origin;
    };
    struct Publishing {
        mqtt::PublishedMessage message;
        Origin origin;
    };
    struct Failure {
        Origin origin;
        std::string resource;
        base::Error error;
        bool payload_at_fault = false;
    };

    // Adds one action for the payload that the rule's SQL gave.
    void Gather(const RuleAction& action, const CompiledRule& rule, std::string_view payload,
                sql::iot::Evaluator& evaluator);
    base::Result<void> GatherStream(const KinesisAction& action, Origin origin, std::string_view payload,
                                    sql::iot::Evaluator& evaluator);
    base::Result<void> GatherDelivery(const FirehoseAction& action, Origin origin, std::string_view payload,
                                      sql::iot::Evaluator& evaluator);
    base::Result<void> GatherObject(const S3Action& action, Origin origin, std::string_view payload,
                                    sql::iot::Evaluator& evaluator);
    base::Result<void> GatherPublish(const RepublishAction& action, Origin origin, std::string_view payload,
                                     sql::iot::Evaluator& evaluator);
    env::Task<void> CarryStream(StreamBatch batch, RuleTargets& targets);
    env::Task<void> CarryDelivery(DeliveryBatch batch, RuleTargets& targets);
    // Of the message at hand; null when it is not to be told apart across a crash. item: which of the action's records.
    std::unique_ptr<const RecordToken> TokenFor(const Origin& origin, size_t item) const;
    void Note(const Origin& origin, base::Result<void> result, const std::string& resource);
    void CountFailure(const Failure& failure);
    static std::string ErrorDocument(const mqtt::PublishedMessage& message,
                                     const std::vector<const Failure*>& failures, const std::string& trace_id);

    std::vector<base::Result<void>> results_;
    std::vector<StreamBatch> streams_;
    std::vector<DeliveryBatch> deliveries_;
    std::vector<ObjectPut> objects_;
    std::vector<Publishing> publishes_;
    std::vector<Failure> failures_;
    bool error_actions_ = false;
    bool retrying_ = false;

    size_t index_ = 0;
    const mqtt::PublishedMessage* message_ = nullptr;
    sql::iot::MessageView view_;
    std::string output_;
};

}  // namespace wellhead::services::iot
