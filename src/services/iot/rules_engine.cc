#include "services/iot/rules_engine.h"

#include <chrono>
#include <unordered_map>

#include "env/deadline.h"
#include "services/iot/rule_round.h"
#include "services/iot/topic_tree.h"

namespace wellhead::services::iot {

namespace {

constexpr std::string_view kBasicIngest = "$aws/rules/";
constexpr size_t kMaxCachedTopics = 8192;
constexpr size_t kMaxCachedTopicBytes = 256;
constexpr size_t kMaxScratches = 16;
// A failure that may pass is tried again after these.
constexpr std::chrono::milliseconds kPauses[] = {std::chrono::milliseconds(20), std::chrono::milliseconds(100),
                                                 std::chrono::milliseconds(400)};

struct TextHash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};

}  // namespace

struct RulesEngine::RuleSet {
    std::vector<std::shared_ptr<const CompiledRule>> rules;
    std::unordered_map<std::string, const CompiledRule*, TextHash, std::equal_to<>> by_name;
    TopicTree tree;
};

// What one evaluation needs and the next can use again.
struct RulesEngine::Scratch {
    explicit Scratch(sql::iot::Surroundings& surroundings) : evaluator(surroundings) {}

    // The rules on topic. Valid until the next call.
    const std::vector<const CompiledRule*>& RulesOn(std::string_view topic, const std::shared_ptr<const RuleSet>& of) {
        if (set != of) {
            by_topic.clear();
            set = of;
        }
        auto found = by_topic.find(topic);
        if (found != by_topic.end()) return found->second;
        matched.clear();
        set->tree.Match(topic, matched);
        std::vector<const CompiledRule*> rules;
        for (size_t index : matched) rules.push_back(set->rules[index].get());
        if (topic.size() > kMaxCachedTopicBytes) {
            uncached = std::move(rules);
            return uncached;
        }
        if (by_topic.size() >= kMaxCachedTopics) by_topic.clear();
        return by_topic.emplace(topic, std::move(rules)).first->second;
    }

    sql::iot::Evaluator evaluator;
    std::shared_ptr<const RuleSet> set;
    std::vector<size_t> matched;
    std::vector<const CompiledRule*> uncached;
    std::unordered_map<std::string, std::vector<const CompiledRule*>, TextHash, std::equal_to<>> by_topic;
};

RulesEngine::RulesEngine(RuleTargets& targets, sql::iot::Surroundings& surroundings)
    : targets_(targets), surroundings_(surroundings), rules_(std::make_shared<const RuleSet>()) {}
RulesEngine::~RulesEngine() = default;

void RulesEngine::SetRules(std::vector<std::shared_ptr<const CompiledRule>> rules) {
    auto set = std::make_shared<RuleSet>();
    set->rules = std::move(rules);
    for (size_t i = 0; i < set->rules.size(); ++i) {
        set->by_name[set->rules[i]->name] = set->rules[i].get();
        const std::string& filter = set->rules[i]->statement->topic_filter();
        if (!filter.empty()) set->tree.Add(filter, i);
    }
    rules_.store(std::move(set));
}

bool RulesEngine::IsBasicIngest(std::string_view topic) { return topic.starts_with(kBasicIngest); }

// One of the engine's scratches, for code that waits for nothing.
class RulesEngine::Borrowed {
  public:
    explicit Borrowed(RulesEngine& engine) : engine_(engine) {
        std::lock_guard lock(engine_.mutex_);
        if (!engine_.scratches_.empty()) {
            scratch_ = std::move(engine_.scratches_.back());
            engine_.scratches_.pop_back();
        } else {
            scratch_ = std::make_unique<Scratch>(engine_.surroundings_);
        }
    }
    ~Borrowed() {
        std::lock_guard lock(engine_.mutex_);
        if (engine_.scratches_.size() < kMaxScratches) engine_.scratches_.push_back(std::move(scratch_));
    }
    Borrowed(const Borrowed&) = delete;
    Borrowed& operator=(const Borrowed&) = delete;
    Scratch* operator->() { return scratch_.get(); }

  private:
    RulesEngine& engine_;
    std::unique_ptr<Scratch> scratch_;
};

void RulesEngine::EvaluateAll(std::span<const mqtt::PublishedMessage> messages,
                              const std::shared_ptr<const RuleSet>& rules, RuleRound& round) {
    if (rules->rules.empty()) return;
    Borrowed scratch(*this);
    for (size_t i = 0; i < messages.size(); ++i) {
        std::string_view topic = messages[i].message.topic;
        if (IsBasicIngest(topic)) {
            std::string_view rest = topic.substr(kBasicIngest.size());
            auto named = rules->by_name.find(rest.substr(0, rest.find('/')));
            if (named == rules->by_name.end()) continue;
            round.Begin(i, messages[i], scratch->evaluator);
            round.Evaluate(*named->second, scratch->evaluator);
            continue;
        }
        const auto& matched = scratch->RulesOn(topic, rules);
        if (matched.empty()) continue;
        round.Begin(i, messages[i], scratch->evaluator);
        for (const CompiledRule* rule : matched) round.Evaluate(*rule, scratch->evaluator);
    }
}

env::Task<std::vector<base::Result<void>>> RulesEngine::Deliver(std::span<const mqtt::PublishedMessage> messages) {
    // Held until the end: the round points into it.
    auto rules = rules_.load();
    RuleRound round(messages.size());
    EvaluateAll(messages, rules, round);
    if (!round.has_work()) co_return round.TakeResults();
    co_await round.Carry(targets_);
    for (std::chrono::milliseconds pause : kPauses) {
        if (!round.has_passing_failures()) break;
        co_await env::Sleep(pause);
        {
            Borrowed scratch(*this);
            round.GatherAgain(messages, scratch->evaluator);
        }
        co_await round.Carry(targets_);
    }
    if (round.has_failures()) {
        {
            Borrowed scratch(*this);
            round.TurnToErrorActions(messages, surroundings_, scratch->evaluator);
        }
        co_await round.Carry(targets_);
        round.Settle();
    }
    co_return round.TakeResults();
}

}  // namespace wellhead::services::iot
