#include "services/iot/shadow_service.h"

#include <fmt/format.h>

#include "base/log.h"
#include "services/iot/records.h"

namespace wellhead::services::iot {

namespace {

constexpr const char* kCollection = "iot/shadows";
constexpr std::string_view kThings = "$aws/things/";

// The topic that answers begin with.
std::string BaseTopic(std::string_view thing, std::string_view name, std::string_view verb) {
    return name.empty() ? fmt::format("$aws/things/{}/shadow/{}", thing, verb)
                        : fmt::format("$aws/things/{}/shadow/name/{}/{}", thing, name, verb);
}

ShadowRejection Internal(const base::Error& error) {
    base::LogError("iot", "keeping a shadow failed: {}", error.message);
    return {500, "Internal service failure", {}};
}

}  // namespace

std::optional<ShadowTopic> ParseShadowTopic(std::string_view topic) {
    if (!topic.starts_with(kThings)) return std::nullopt;
    ShadowTopic parsed;
    parsed.base = topic;
    topic.remove_prefix(kThings.size());
    size_t slash = topic.find('/');
    if (slash == std::string_view::npos || slash == 0) return std::nullopt;
    parsed.thing = topic.substr(0, slash);
    topic.remove_prefix(slash + 1);
    if (!topic.starts_with("shadow/")) return std::nullopt;
    topic.remove_prefix(7);
    if (topic.starts_with("name/")) {
        topic.remove_prefix(5);
        slash = topic.find('/');
        if (slash == std::string_view::npos || slash == 0) return std::nullopt;
        parsed.name = topic.substr(0, slash);
        topic.remove_prefix(slash + 1);
    }
    if (topic == "get") {
        parsed.verb = ShadowTopic::Verb::kGet;
    } else if (topic == "update") {
        parsed.verb = ShadowTopic::Verb::kUpdate;
    } else if (topic == "delete") {
        parsed.verb = ShadowTopic::Verb::kDelete;
    } else {
        return std::nullopt;
    }
    return parsed;
}

env::Task<base::Result<void>> ShadowService::Load() {
    const storage::TableRange all = storage::PrefixRange("");
    CO_ASSIGN_OR_RETURN(auto entries, co_await table_.Scan(kCollection, all));
    for (const storage::TableEntry& entry : entries) {
        CO_ASSIGN_OR_RETURN(ShadowState state, ShadowState::Read(entry.value));
        shadows_[entry.key] = std::make_shared<const ShadowState>(std::move(state));
    }
    co_return base::Result<void>();
}

std::shared_ptr<const ShadowState> ShadowService::Find(std::string_view thing, std::string_view name) const {
    std::lock_guard lock(mutex_);
    auto found = shadows_.find(PairKey(thing, name));
    return found == shadows_.end() ? nullptr : found->second;
}

env::Turnstile& ShadowService::TurnstileOf(std::string_view key) {
    return turnstiles_[std::hash<std::string_view>()(key) % turnstiles_.size()];
}

env::Task<base::Result<void>> ShadowService::Keep(std::string thing, std::string name, ShadowState state) {
    std::string key = PairKey(thing, name);
    storage::TableBatch batch;
    batch.Put(kCollection, key, state.Write());
    CO_RETURN_IF_ERROR(co_await table_.Commit(std::move(batch)));
    auto kept = std::make_shared<const ShadowState>(std::move(state));
    std::lock_guard lock(mutex_);
    shadows_[key] = std::move(kept);
    co_return base::Result<void>();
}

env::Task<void> ShadowService::Tell(std::string topic, std::string payload, int republished) {
    if (broker_ == nullptr) co_return;
    mqtt::PublishedMessage message;
    message.message.topic = std::move(topic);
    message.message.payload = std::move(payload);
    message.message.qos = mqtt::QoS::kAtLeastOnce;
    message.arrival = clock_.Now();
    message.republished = republished + 1;
    auto told = co_await broker_->Publish(std::move(message));
    if (!told) base::LogWarning("iot", "telling of a shadow failed: {}", told.error().message);
}

env::Task<ShadowOutcome<std::string>> ShadowService::Update(std::string thing, std::string name, std::string payload,
                                                            int republished) {
    std::string base = BaseTopic(thing, name, "update");
    ShadowOutcome<ShadowUpdate> update;
    {
        auto pass = co_await TurnstileOf(thing).Enter();
        auto before = Find(thing, name);
        update = UpdateShadow(before.get(), payload, clock_.Now());
        if (update) {
            auto kept = co_await Keep(thing, name, std::move(update->after));
            if (!kept) co_return std::unexpected(Internal(kept.error()));
        }
    }
    if (!update) {
        co_await Tell(base + "/rejected", RejectionDocument(update.error(), clock_.Now()), republished);
        co_return std::unexpected(update.error());
    }
    co_await Tell(base + "/accepted", update->accepted, republished);
    if (update->delta) co_await Tell(base + "/delta", std::move(*update->delta), republished);
    co_await Tell(base + "/documents", std::move(update->documents), republished);
    co_return std::move(update->accepted);
}

env::Task<ShadowOutcome<std::string>> ShadowService::Delete(std::string thing, std::string name, std::string payload,
                                                            int republished) {
    std::string base = BaseTopic(thing, name, "delete");
    ShadowOutcome<ShadowDeletion> deletion;
    {
        auto pass = co_await TurnstileOf(thing).Enter();
        auto before = Find(thing, name);
        deletion = DeleteShadow(before.get(), thing, payload, clock_.Now());
        if (deletion) {
            auto kept = co_await Keep(thing, name, std::move(deletion->after));
            if (!kept) co_return std::unexpected(Internal(kept.error()));
        }
    }
    if (!deletion) {
        co_await Tell(base + "/rejected", RejectionDocument(deletion.error(), clock_.Now()), republished);
        co_return std::unexpected(deletion.error());
    }
    co_await Tell(base + "/accepted", deletion->accepted, republished);
    co_return std::move(deletion->accepted);
}

ShadowOutcome<std::string> ShadowService::Get(std::string_view thing, std::string_view name,
                                              std::string_view payload) const {
    auto state = Find(thing, name);
    return DescribeShadow(state.get(), thing, payload, clock_.Now());
}

std::vector<std::string> ShadowService::Names(std::string_view thing, std::string_view after, size_t limit) const {
    std::vector<std::string> names;
    std::string prefix = PairKey(thing, {});
    std::lock_guard lock(mutex_);
    for (auto at = shadows_.upper_bound(prefix + std::string(after));
         at != shadows_.end() && names.size() < limit && at->first.starts_with(prefix); ++at) {
        if (!at->second->deleted) names.push_back(at->first.substr(prefix.size()));
    }
    return names;
}

env::Task<base::Result<void>> ShadowService::Handle(ShadowTopic topic, const mqtt::PublishedMessage& message) {
    std::string thing(topic.thing);
    std::string name(topic.name);
    ShadowOutcome<std::string> answer;
    if (topic.verb == ShadowTopic::Verb::kUpdate) {
        answer = co_await Update(std::move(thing), std::move(name), message.message.payload, message.republished);
    } else if (topic.verb == ShadowTopic::Verb::kDelete) {
        answer = co_await Delete(std::move(thing), std::move(name), message.message.payload, message.republished);
    } else {
        std::string told(topic.base);
        answer = Get(thing, name, message.message.payload);
        std::string document = answer ? *answer : RejectionDocument(answer.error(), clock_.Now());
        told += answer ? "/accepted" : "/rejected";
        co_await Tell(std::move(told), std::move(document), message.republished);
    }
    // A refusal was told; only storage keeps the acknowledgement back.
    if (!answer && answer.error().code == 500) co_return base::Fail(base::ErrorCode::kIo, answer.error().message);
    co_return base::Result<void>();
}

}  // namespace wellhead::services::iot
