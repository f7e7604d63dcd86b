// Splitting and merging shards. The open shards cover every hash key at every instant; a change is one commit of the
// stream's description, so a crash leaves the shards of before or of after.

#include <fmt/format.h>

#include <algorithm>

#include "apis/kinesis/errors.h"
#include "env/deadline.h"
#include "services/kinesis/kinesis_service.h"

namespace wellhead::services::kinesis {

namespace errors = apis::kinesis;

namespace {

constexpr int kMaxWaits = 10'000;  // milliseconds for the appends under way

uint32_t NextNumber(const Stream& stream) {
    uint32_t next = 0;
    for (const auto& shard : stream.shards) next = std::max(next, shard.number + 1);
    return next;
}

Shard& Mutable(Stream& stream, uint32_t number) {
    return *std::find_if(stream.shards.begin(), stream.shards.end(),
                         [number](const Shard& shard) { return shard.number == number; });
}

// Closes a shard after its last record.
void CloseShard(Shard& shard, int64_t now_ms) {
    uint64_t index = shard.writer ? shard.writer->log->extent().next : 0;
    uint64_t now_s = std::max(static_cast<uint64_t>(now_ms / 1000), static_cast<uint64_t>(shard.created_s));
    shard.ending = FormatSequenceNumber({static_cast<uint64_t>(shard.created_s), index, now_s, shard.number});
    shard.closed_ms = now_ms;
}

uint32_t AddChild(Stream& stream, HashRange range, int64_t created_s, uint32_t parent,
                  std::optional<uint32_t> adjacent) {
    Shard child;
    child.number = NextNumber(stream);
    child.range = range;
    child.created_s = created_s;
    child.parent = parent;
    child.adjacent_parent = adjacent;
    stream.shards.push_back(std::move(child));
    return stream.shards.back().number;
}

// Returns the upper half's number.
uint32_t Split(Stream& stream, uint32_t number, HashKey at, int64_t now_ms) {
    Shard& shard = Mutable(stream, number);
    CloseShard(shard, now_ms);
    HashRange range = shard.range;
    int64_t created_s = std::max(now_ms / 1000, shard.created_s + 1);
    AddChild(stream, {range.first, at - 1}, created_s, number, std::nullopt);
    return AddChild(stream, {at, range.last}, created_s, number, std::nullopt);
}

uint32_t Merge(Stream& stream, uint32_t lower, uint32_t upper, int64_t now_ms) {
    Shard& first = Mutable(stream, lower);
    Shard& second = Mutable(stream, upper);
    CloseShard(first, now_ms);
    CloseShard(second, now_ms);
    HashRange range{std::min(first.range.first, second.range.first), std::max(first.range.last, second.range.last)};
    int64_t created_s = std::max({now_ms / 1000, first.created_s + 1, second.created_s + 1});
    return AddChild(stream, range, created_s, lower, upper);
}

// Cuts at every boundary of the target, then joins what is inside one range of it: each shard has at most two parents.
void Rescale(Stream& stream, uint32_t target, int64_t now_ms) {
    for (uint32_t i = 1; i < target; ++i) {
        HashKey at = UniformRange(i, target).first;
        const Shard& shard = stream.ShardFor(at);
        if (shard.range.first != at) Split(stream, shard.number, at, now_ms);
    }
    for (uint32_t i = 0; i < target; ++i) {
        HashRange range = UniformRange(i, target);
        uint32_t joined = stream.ShardFor(range.first).number;
        while (Mutable(stream, joined).range.last < range.last) {
            uint32_t next = stream.ShardFor(Mutable(stream, joined).range.last + 1).number;
            joined = Merge(stream, joined, next, now_ms);
        }
    }
}

}  // namespace

// No append to these shards is under way when it succeeds, and none begins.
env::Task<base::Result<void>> KinesisService::CloseForWrites(std::vector<std::shared_ptr<ShardWriter>> writers) {
    for (auto& writer : writers) {
        std::lock_guard lock(writer->mutex);
        writer->closing = true;
    }
    for (int waits = 0; waits < kMaxWaits; ++waits) {
        bool quiet = std::all_of(writers.begin(), writers.end(), [](const auto& writer) {
            std::lock_guard lock(writer->mutex);
            return writer->writing == 0;
        });
        if (quiet) co_return base::Result<void>();
        co_await env::Sleep(std::chrono::milliseconds(1));
    }
    co_return base::Fail(base::ErrorCode::kTimeout, "appends to the shard did not end");
}

KinesisService::Answer<void> KinesisService::Reshard(StreamPtr found, Change plan) {
    auto pass = co_await turnstile_.Enter();
    auto newest = Find(found->name, std::nullopt, std::nullopt);
    if (!newest) co_return std::unexpected(newest.error());
    if ((*newest)->on_demand) {
        co_return std::unexpected(errors::ValidationException(
            fmt::format("Stream {} under account {} is in ON_DEMAND mode: this operation is for streams in PROVISIONED mode.",
                        found->name, settings_.account_id)));
    }
    // First without closing anything: to see whether it may be, and which shards it closes.
    Stream trial = **newest;
    auto planned = plan(trial);
    if (!planned) co_return planned;
    std::vector<std::shared_ptr<ShardWriter>> writers;
    for (const Shard* shard : (*newest)->OpenShards()) {
        if (!Mutable(trial, shard->number).open()) writers.push_back(shard->writer);
    }
    auto quiet = co_await CloseForWrites(writers);
    api::Outcome<void> result;
    if (!quiet) result = std::unexpected(FromStorage(quiet.error()));
    Stream changed = **newest;
    if (result) result = plan(changed);
    for (size_t i = 0; result && i < changed.shards.size(); ++i) {
        if (changed.shards[i].writer) continue;
        auto opened = co_await OpenLog(changed, changed.shards[i]);
        if (!opened) result = std::unexpected(FromStorage(opened.error()));
    }
    if (result) result = co_await Commit(std::move(changed));
    if (!result) {
        for (auto& writer : writers) {
            std::lock_guard lock(writer->mutex);
            writer->closing = false;
        }
    }
    co_return result;
}

KinesisService::Answer<apis::kinesis::SplitShardOutput> KinesisService::SplitShard(const api::CallContext&,
                                                                                   apis::kinesis::SplitShardInput input) {
    auto stream = FindActive(input.StreamName, input.StreamARN, input.StreamId);
    if (!stream) co_return std::unexpected(stream.error());
    int64_t now_ms = NowMs();
    Change plan = [&](Stream& changed) -> api::Outcome<void> {
        const Shard* shard = changed.FindShard(input.ShardToSplit);
        if (shard == nullptr) return std::unexpected(NoShard(changed, input.ShardToSplit));
        if (!shard->open()) {
            return std::unexpected(errors::InvalidArgumentException(
                fmt::format("Shard {} in stream {} under account {} has already been merged or split, and thus is not "
                            "eligible for merging or splitting.",
                            shard->id(), changed.name, settings_.account_id)));
        }
        auto at = ParseHashKey(input.NewStartingHashKey);
        if (!at || shard->range.last - shard->range.first < 3 || *at <= shard->range.first + 1 ||
            *at >= shard->range.last) {
            return std::unexpected(errors::InvalidArgumentException(fmt::format(
                "NewStartingHashKey {} used in SplitShard() on shard {} in stream {} under account {} is not both "
                "greater than one plus the shard's StartingHashKey {} and less than the shard's EndingHashKey {}.",
                input.NewStartingHashKey, shard->id(), changed.name, settings_.account_id,
                FormatHashKey(shard->range.first), FormatHashKey(shard->range.last))));
        }
        Split(changed, shard->number, *at, now_ms);
        return {};
    };
    auto done = co_await Reshard(*stream, plan);
    if (!done) co_return std::unexpected(done.error());
    co_return apis::kinesis::SplitShardOutput{};
}

KinesisService::Answer<apis::kinesis::MergeShardsOutput> KinesisService::MergeShards(
    const api::CallContext&, apis::kinesis::MergeShardsInput input) {
    auto stream = FindActive(input.StreamName, input.StreamARN, input.StreamId);
    if (!stream) co_return std::unexpected(stream.error());
    int64_t now_ms = NowMs();
    Change plan = [&](Stream& changed) -> api::Outcome<void> {
        const Shard* one = changed.FindShard(input.ShardToMerge);
        const Shard* other = changed.FindShard(input.AdjacentShardToMerge);
        if (one == nullptr) return std::unexpected(NoShard(changed, input.ShardToMerge));
        if (other == nullptr) return std::unexpected(NoShard(changed, input.AdjacentShardToMerge));
        bool adjacent = one->range.last + 1 == other->range.first || other->range.last + 1 == one->range.first;
        if (!one->open() || !other->open() || one == other || !adjacent) {
            return std::unexpected(errors::InvalidArgumentException(
                fmt::format("Shards {} and {} in stream {} under account {} are not an adjacent pair of shards eligible "
                            "for merging.",
                            one->id(), other->id(), changed.name, settings_.account_id)));
        }
        Merge(changed, one->number, other->number, now_ms);
        return {};
    };
    auto done = co_await Reshard(*stream, plan);
    if (!done) co_return std::unexpected(done.error());
    co_return apis::kinesis::MergeShardsOutput{};
}

KinesisService::Answer<apis::kinesis::UpdateShardCountOutput> KinesisService::UpdateShardCount(
    const api::CallContext&, apis::kinesis::UpdateShardCountInput input) {
    auto stream = FindActive(input.StreamName, input.StreamARN, input.StreamId);
    if (!stream) co_return std::unexpected(stream.error());
    int64_t now_ms = NowMs();
    auto current = static_cast<int32_t>((*stream)->OpenShards().size());
    Change plan = [&](Stream& changed) -> api::Outcome<void> {
        current = static_cast<int32_t>(changed.OpenShards().size());
        int32_t target = input.TargetShardCount;
        const bool over = target > 2 * current;
        if (over || target < (current + 1) / 2) {
            return std::unexpected(errors::InvalidArgumentException(fmt::format(
                "UpdateShardCount cannot scale {} your current open shard count. Current open shard count: {} Target shard "
                "count: {}",
                over ? "up over double" : "down below half", current, target)));
        }
        Rescale(changed, static_cast<uint32_t>(target), now_ms);
        return {};
    };
    auto done = co_await Reshard(*stream, plan);
    if (!done) co_return std::unexpected(done.error());
    apis::kinesis::UpdateShardCountOutput output;
    output.StreamName = (*stream)->name;
    output.StreamARN = StreamArn((*stream)->name);
    output.CurrentShardCount = current;
    output.TargetShardCount = input.TargetShardCount;
    co_return output;
}

}  // namespace wellhead::services::kinesis
