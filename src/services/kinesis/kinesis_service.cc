#include "services/kinesis/kinesis_service.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "apis/kinesis/errors.h"
#include "base/log.h"
#include "codec/base64.h"
#include "env/deadline.h"
#include "services/kinesis/subscription.h"

namespace wellhead::services::kinesis {

namespace errors = apis::kinesis;

namespace {
constexpr const char* kStreams = "kinesis/streams";
constexpr const char* kKeys = "kinesis/keys";
}  // namespace

api::ServiceError FromStorage(const base::Error& error) {
    switch (error.code) {
        case base::ErrorCode::kLimit:
            return errors::ProvisionedThroughputExceededException("There is no room for more records now.");
        case base::ErrorCode::kInvalidArgument: return errors::InvalidArgumentException(error.message);
        case base::ErrorCode::kNotFound: return errors::ResourceNotFoundException(error.message);
        case base::ErrorCode::kConflict:
        case base::ErrorCode::kAlreadyExists: return errors::ResourceInUseException(error.message);
        case base::ErrorCode::kPermission:
        case base::ErrorCode::kUnsupported:
        case base::ErrorCode::kUnavailable:
        case base::ErrorCode::kTimeout:
        case base::ErrorCode::kCancelled:
        case base::ErrorCode::kReadOnly:
        case base::ErrorCode::kIo:
        case base::ErrorCode::kCorrupt: break;
    }
    // Paths and causes are the log's, not the client's.
    base::LogError("kinesis", "a request failed: {}", error.message);
    auto failure = errors::InternalFailureException("Internal service failure.");
    failure.http_status = 500;
    return failure;
}

KinesisService::KinesisService(KinesisDependencies dependencies, KinesisSettings settings)
    : deps_(dependencies), settings_(std::move(settings)), subscriptions_(std::make_shared<Subscriptions>()) {}

env::Task<base::Result<std::unique_ptr<KinesisService>>> KinesisService::Open(KinesisDependencies dependencies,
                                                                              KinesisSettings settings) {
    auto service = std::unique_ptr<KinesisService>(new KinesisService(dependencies, std::move(settings)));
    auto loaded = co_await service->Load();
    if (!loaded) co_return std::unexpected(loaded.error());
    auto executor = co_await boost::asio::this_coro::executor;
    env::Spawn(service->scope_, executor, "kinesis retention", service->KeepRetention());
    co_return std::move(service);
}

env::Task<void> KinesisService::Close() { co_await scope_.Close(); }

env::Task<base::Result<void>> KinesisService::Load() {
    auto key = co_await deps_.table.Get(kKeys, "iterator");
    if (!key) co_return std::unexpected(key.error());
    base::Bytes secret = key->value_or("");
    if (secret.empty()) {
        secret.resize(32);
        deps_.random.Fill({reinterpret_cast<uint8_t*>(secret.data()), secret.size()});
        storage::TableBatch batch;
        batch.Put(kKeys, "iterator", secret);
        auto kept = co_await deps_.table.Commit(std::move(batch));
        if (!kept) co_return kept;
    }
    seal_key_ = api::DeriveSealKey(secret, "kinesis");
    storage::TableRange all;
    auto entries = co_await deps_.table.Scan(kStreams, all);
    if (!entries) co_return std::unexpected(entries.error());
    for (const auto& entry : *entries) {
        auto stream = DecodeStream(entry.value);
        if (!stream) {
            base::LogError("kinesis", "stream {} is left out: {}", entry.key, stream.error().message);
            continue;
        }
        for (auto& shard : stream->shards) {
            auto opened = co_await OpenLog(*stream, shard);
            if (!opened) co_return opened;
        }
        streams_[entry.key] = std::make_shared<const Stream>(std::move(*stream));
    }
    co_return co_await SweepOrphans();
}

// Logs that a crash left between making them and naming them, or between un-naming and removing them.
env::Task<base::Result<void>> KinesisService::SweepOrphans() {
    std::set<std::string> named;
    for (const auto& [name, stream] : streams_) {
        for (const auto& shard : stream->shards) named.insert(stream->LogName(shard));
    }
    auto logs = co_await deps_.logs.List("kinesis/");
    if (!logs) co_return std::unexpected(logs.error());
    for (const auto& name : *logs) {
        if (named.contains(name)) continue;
        auto removed = co_await deps_.logs.Remove(name);
        if (!removed) base::LogWarning("kinesis", "removing {}: {}", name, removed.error().message);
    }
    co_return base::Result<void>();
}

env::Task<base::Result<void>> KinesisService::OpenLog(const Stream& stream, Shard& shard) {
    auto log = co_await deps_.logs.Open(stream.LogName(shard));
    if (!log) co_return std::unexpected(log.error());
    shard.writer = std::make_shared<ShardWriter>();
    shard.writer->log = std::move(*log);
    co_return base::Result<void>();
}

env::Task<void> KinesisService::KeepRetention() {
    for (;;) {
        co_await env::Sleep(std::chrono::minutes(1));
        co_await EnforceRetention();
    }
}

env::Task<void> KinesisService::EnforceRetention() {
    std::vector<StreamPtr> streams;
    {
        std::lock_guard lock(mutex_);
        for (const auto& [name, stream] : streams_) streams.push_back(stream);
    }
    for (const auto& stream : streams) {
        int64_t cutoff_ms = NowMs() - int64_t{stream->retention_hours} * 3'600'000;
        std::vector<std::string> expired;
        for (const auto& shard : stream->shards) {
            if (!shard.open() && shard.closed_ms < cutoff_ms) {
                expired.push_back(stream->LogName(shard));
                continue;
            }
            auto trimmed = co_await shard.writer->log->TrimByTime(base::FromUnixMs(cutoff_ms));
            if (!trimmed) base::LogWarning("kinesis", "{}: {}", stream->name, trimmed.error().message);
        }
        if (expired.empty()) continue;
        Change drop = [cutoff_ms](Stream& changed) -> api::Outcome<void> {
            std::erase_if(changed.shards,
                          [&](const Shard& shard) { return !shard.open() && shard.closed_ms < cutoff_ms; });
            return {};
        };
        auto dropped = co_await ChangeStream(stream, drop);
        if (!dropped) continue;
        for (auto& name : expired) {
            auto removed = co_await deps_.logs.Remove(name);
            if (!removed) base::LogWarning("kinesis", "removing {}: {}", name, removed.error().message);
        }
    }
}

std::string KinesisService::StreamArn(const std::string& name) const {
    return fmt::format("arn:aws:kinesis:{}:{}:stream/{}", settings_.region, settings_.account_id, name);
}

std::string_view KinesisService::StatusOf(int64_t created_ms) const {
    int64_t delay_ms = std::chrono::duration_cast<std::chrono::milliseconds>(settings_.creation_delay).count();
    return NowMs() < created_ms + delay_ms ? apis::kinesis::StreamStatus::kCreating
                                           : apis::kinesis::StreamStatus::kActive;
}

api::ServiceError KinesisService::NoStream(const std::string& name) const {
    return errors::ResourceNotFoundException(
        fmt::format("Stream {} under account {} not found.", name, settings_.account_id));
}
api::ServiceError KinesisService::NoShard(const Stream& stream, const std::string& shard_id) const {
    return errors::ResourceNotFoundException(fmt::format("Could not find shard {} in stream {} under account {}.",
                                                         shard_id, stream.name, settings_.account_id));
}

api::Outcome<KinesisService::StreamPtr> KinesisService::Find(const Text& name, const Text& arn,
                                                             const Text& id) const {
    std::string wanted = name.value_or("");
    if (arn) {
        std::string prefix = StreamArn("");
        if (!arn->starts_with(prefix)) return std::unexpected(NoStream(*arn));
        std::string named = arn->substr(prefix.size());
        named = named.substr(0, named.find('/'));
        if (name && named != wanted) {
            return std::unexpected(errors::InvalidArgumentException("StreamName and StreamARN name different streams."));
        }
        wanted = named;
    }
    std::lock_guard lock(mutex_);
    if (wanted.empty() && id) {
        for (const auto& [key, stream] : streams_) {
            if (stream->id == *id) return stream;
        }
        return std::unexpected(NoStream(*id));
    }
    if (wanted.empty()) {
        return std::unexpected(errors::InvalidArgumentException("Either StreamName or StreamARN must be given."));
    }
    auto found = streams_.find(wanted);
    if (found == streams_.end()) return std::unexpected(NoStream(wanted));
    return found->second;
}

api::Outcome<KinesisService::StreamPtr> KinesisService::FindActive(const Text& name, const Text& arn,
                                                                   const Text& id) const {
    auto stream = Find(name, arn, id);
    if (stream && StatusOf((*stream)->created_ms) != apis::kinesis::StreamStatus::kActive) {
        return std::unexpected(NoStream((*stream)->name));
    }
    return stream;
}

api::Outcome<KinesisService::StreamPtr> KinesisService::FindByResource(const std::string& arn) const {
    return Find(std::nullopt, arn, std::nullopt);
}

KinesisService::Answer<void> KinesisService::ChangeStream(StreamPtr found, Change change) {
    auto pass = co_await turnstile_.Enter();
    auto newest = Find(found->name, std::nullopt, std::nullopt);
    if (!newest) co_return std::unexpected(newest.error());
    if ((*newest)->id != found->id) co_return std::unexpected(NoStream(found->name));
    Stream changed = **newest;
    auto done = change(changed);
    if (!done) co_return done;
    co_return co_await Commit(std::move(changed));
}

KinesisService::Answer<void> KinesisService::Commit(Stream changed) {
    storage::TableBatch batch;
    batch.Put(kStreams, changed.name, EncodeStream(changed));
    auto committed = co_await deps_.table.Commit(std::move(batch));
    if (!committed) co_return std::unexpected(FromStorage(committed.error()));
    std::lock_guard lock(mutex_);
    std::string name = changed.name;
    streams_[name] = std::make_shared<const Stream>(std::move(changed));
    co_return api::Outcome<void>();
}

apis::kinesis::Shard KinesisService::Describe(const Shard& shard) const {
    apis::kinesis::Shard out;
    out.ShardId = shard.id();
    if (shard.parent) out.ParentShardId = ShardId(*shard.parent);
    if (shard.adjacent_parent) out.AdjacentParentShardId = ShardId(*shard.adjacent_parent);
    out.HashKeyRange = {FormatHashKey(shard.range.first), FormatHashKey(shard.range.last)};
    out.SequenceNumberRange.StartingSequenceNumber = shard.starting();
    out.SequenceNumberRange.EndingSequenceNumber = shard.ending;
    return out;
}

std::vector<apis::kinesis::ChildShard> KinesisService::ChildShards(const Stream& stream, const Shard& shard) const {
    std::vector<apis::kinesis::ChildShard> children;
    for (const Shard* child : stream.ChildrenOf(shard.number)) {
        apis::kinesis::ChildShard out;
        out.ShardId = child->id();
        if (child->parent) out.ParentShards.push_back(ShardId(*child->parent));
        if (child->adjacent_parent) out.ParentShards.push_back(ShardId(*child->adjacent_parent));
        out.HashKeyRange = {FormatHashKey(child->range.first), FormatHashKey(child->range.last)};
        children.push_back(std::move(out));
    }
    return children;
}

std::string KinesisService::SealPosition(std::string_view purpose, const std::string& text) const {
    return codec::EncodeBase64(api::Seal(seal_key_, deps_.random, purpose, text));
}
std::optional<std::string> KinesisService::UnsealPosition(std::string_view purpose, const std::string& token) const {
    auto sealed = codec::DecodeBase64(token);
    if (!sealed) return std::nullopt;
    return api::Unseal(seal_key_, purpose, *sealed);
}

}  // namespace wellhead::services::kinesis
