#include "services/firehose/shard_delivery.h"

#include <fmt/format.h>
#include <openssl/sha.h>

#include <array>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "base/log.h"
#include "codec/base64.h"
#include "env/deadline.h"

namespace wellhead::services::firehose {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;

constexpr const char* kCursors = "firehose/cursors";
constexpr base::Duration kFirstBackoff = std::chrono::milliseconds(200);
constexpr base::Duration kMostBackoff = std::chrono::seconds(30);

std::string Text(const boost::json::object& object, std::string_view name) {
    const auto* value = object.if_contains(name);
    return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

// 32 hex digits that are the same for the same batch, whenever it is asked.
std::string BatchDigest(const DeliveryPlan& plan, const std::string& shard, const std::string& sequence) {
    const std::string text = plan.stream_id + '\n' + shard + '\n' + sequence;
    std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
    SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
    return codec::EncodeHex({reinterpret_cast<const char*>(digest.data()), 16});
}

int64_t Seconds(base::Instant time) { return std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count(); }

}  // namespace

env::Task<Result<DeliveryCursor>> CursorStore::Load(std::string stream_id, std::string shard) {
    CO_ASSIGN_OR_RETURN(auto stored, co_await table_.Get(kCursors, stream_id + "/" + shard));
    DeliveryCursor cursor;
    if (!stored) co_return cursor;
    boost::system::error_code error;
    const auto json = boost::json::parse(*stored, error);
    if (error || !json.is_object()) co_return Fail(ErrorCode::kCorrupt, "a stored cursor is not JSON");
    const auto& object = json.get_object();
    cursor.after = Text(object, "after");
    cursor.ended = object.contains("ended");
    if (const auto* intent = object.if_contains("intent"); intent != nullptr && intent->is_object()) {
        const auto& members = intent->get_object();
        DeliveryIntent made;
        made.first = Text(members, "first");
        made.last = Text(members, "last");
        if (const auto* records = members.if_contains("records")) made.records = records->to_number<uint64_t>();
        made.bucket = Text(members, "bucket");
        made.keys.object = Text(members, "object");
        made.keys.errors = Text(members, "errors");
        cursor.intent = std::move(made);
    }
    co_return cursor;
}

env::Task<Result<void>> CursorStore::Save(std::string stream_id, std::string shard, DeliveryCursor cursor) {
    boost::json::object object{{"after", cursor.after}};
    if (cursor.ended) object["ended"] = true;
    if (cursor.intent) {
        object["intent"] = boost::json::object{{"first", cursor.intent->first},       {"last", cursor.intent->last},
                                               {"records", cursor.intent->records},   {"bucket", cursor.intent->bucket},
                                               {"object", cursor.intent->keys.object}, {"errors", cursor.intent->keys.errors}};
    }
    storage::TableBatch batch;
    batch.Put(kCursors, stream_id + "/" + shard, boost::json::serialize(object));
    co_return co_await table_.Commit(std::move(batch));
}

env::Task<Result<void>> CursorStore::DeleteAll(std::string stream_id) {
    const std::string prefix = stream_id + "/";
    CO_ASSIGN_OR_RETURN(auto entries, co_await table_.Scan(kCursors, storage::PrefixRange(prefix)));
    storage::TableBatch batch;
    for (auto& entry : entries) batch.Delete(kCursors, std::move(entry.key));
    co_return co_await table_.Commit(std::move(batch));
}

BatchKeys MakeKeys(const DeliveryPlan& plan, const std::string& shard, const SourceRecord& first) {
    const std::string digest = BatchDigest(plan, shard, first.sequence);
    const std::string uuid = fmt::format("{}-{}-{}-{}-{}", digest.substr(0, 8), digest.substr(8, 4), digest.substr(12, 4),
                                         digest.substr(16, 4), digest.substr(20));
    const std::string random = digest.substr(0, 11);
    const std::string time = FormatJavaTime("yyyy-MM-dd-HH-mm-ss", first.arrival).value();
    const std::string name = fmt::format("{}-{}-{}-{}", plan.stream_name, plan.version, time, uuid);
    return {plan.prefix.Evaluate(first.arrival, random, "") + name + plan.extension,
            plan.error_prefix.Evaluate(first.arrival, random, "format-conversion-failed") + name};
}

size_t FullBatch(const DeliveryPlan& plan, const std::vector<SourceRecord>& records) {
    if (records.empty()) return 0;
    const std::string prefix = plan.prefix.Evaluate(records[0].arrival, "", "");
    int64_t second = Seconds(records[0].arrival);
    uint64_t bytes = 0;
    for (size_t i = 0; i < records.size(); ++i) {
        if (Seconds(records[i].arrival) != second) {
            second = Seconds(records[i].arrival);
            if (plan.prefix.Evaluate(records[i].arrival, "", "") != prefix) return i;
        }
        if (bytes >= plan.buffer_bytes) return i;
        bytes += records[i].data.size();
    }
    return bytes >= plan.buffer_bytes ? records.size() : 0;
}

ShardDelivery::ShardDelivery(env::Clock& clock, CursorStore& cursors, BatchWriter& writer, const PlanHolder& plans,
                             std::string shard, std::unique_ptr<RecordSource> source)
    : clock_(clock),
      cursors_(cursors),
      writer_(writer),
      plans_(plans),
      shard_(std::move(shard)),
      source_(std::move(source)),
      delivered_(base::Metrics::Global().GetCounter("wellhead_firehose_records_delivered_total", "Records in delivered objects.",
                                                    {{"stream", plans.Get()->stream_name}})),
      refused_(base::Metrics::Global().GetCounter("wellhead_firehose_records_refused_total", "Records under the error prefix.",
                                                  {{"stream", plans.Get()->stream_name}})) {}

env::Task<void> ShardDelivery::Backoff(const base::Error& error, const char* what) {
    backoff_ = std::min(kMostBackoff, backoff_ == base::Duration::zero() ? kFirstBackoff : backoff_ * 2);
    if (error.message != last_error_) {
        last_error_ = error.message;
        base::LogWarning("firehose", "{} {}: cannot {}, will go on trying: {}", plans_.Get()->stream_name, shard_, what, error.message);
    }
    co_await env::Sleep(backoff_);
}

env::Task<void> ShardDelivery::LoadCursor() {
    while (true) {
        auto cursor = co_await cursors_.Load(plans_.Get()->stream_id, shard_);
        if (cursor) {
            cursor_ = std::move(*cursor);
            co_return;
        }
        co_await Backoff(cursor.error(), "read its cursor");
    }
}

env::Task<void> ShardDelivery::SaveUntilDone(DeliveryCursor cursor) {
    while (true) {
        auto saved = co_await cursors_.Save(plans_.Get()->stream_id, shard_, cursor);
        if (saved) break;
        co_await Backoff(saved.error(), "save its cursor");
    }
    cursor_ = std::move(cursor);
}

// One read into the buffer. False: the source is gone.
env::Task<bool> ShardDelivery::Fill() {
    auto batch = co_await source_->Read();
    if (!batch) {
        if (batch.error().code == ErrorCode::kNotFound) co_return false;
        co_await Backoff(batch.error(), "read its source");
        co_return true;
    }
    if (buffer_.empty()) buffered_since_ = clock_.Ticks();
    for (SourceRecord& record : batch->records) {
        buffer_bytes_ += record.data.size();
        buffer_.push_back(std::move(record));
    }
    tip_ = batch->records.empty();
    ended_ = batch->ended;
    co_return true;
}

size_t ShardDelivery::DueBatch(const DeliveryPlan& plan) const {
    if (buffer_.empty()) return 0;
    if (const size_t full = FullBatch(plan, buffer_); full > 0) return full;
    const bool waited = clock_.Ticks() - buffered_since_ >= plan.buffer_time;
    const bool old = tip_ && clock_.Now() - buffer_.front().arrival >= plan.buffer_time;
    return waited || old || ended_ ? buffer_.size() : 0;
}

env::Task<void> ShardDelivery::WriteUntilDone(DeliveryPlan plan, std::vector<SourceRecord> records, DeliveryIntent intent,
                                              bool again) {
    plan.bucket = intent.bucket;
    const std::string name = BatchDigest(plan, shard_, intent.first);
    while (true) {
        auto written = co_await writer_.Write(plan, records, intent.keys, name, again);
        if (written) {
            delivered_.Add(written->delivered);
            refused_.Add(written->refused);
            break;
        }
        again = true;
        co_await Backoff(written.error(), "deliver");
    }
    backoff_ = base::Duration::zero();
    last_error_.clear();
    DeliveryCursor cursor;
    cursor.after = intent.last;
    cursor.ended = ended_ && buffer_.empty();
    co_await SaveUntilDone(std::move(cursor));
    co_await source_->Release(intent.last);
}

env::Task<void> ShardDelivery::Deliver(size_t count) {
    const DeliveryPlan plan = *plans_.Get();
    std::vector<SourceRecord> records(std::make_move_iterator(buffer_.begin()),
                                      std::make_move_iterator(buffer_.begin() + static_cast<long>(count)));
    buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<long>(count));
    for (const SourceRecord& record : records) buffer_bytes_ -= record.data.size();
    buffered_since_ = clock_.Ticks();
    DeliveryIntent intent;
    intent.first = records.front().sequence;
    intent.last = records.back().sequence;
    intent.records = records.size();
    intent.bucket = plan.bucket;
    intent.keys = MakeKeys(plan, shard_, records.front());
    DeliveryCursor cursor;
    cursor.after = cursor_.after;
    cursor.intent = intent;
    co_await SaveUntilDone(std::move(cursor));
    co_await WriteUntilDone(plan, std::move(records), std::move(intent), false);
}

// A batch that a kill left between its intent and its end: the same records into the same objects.
env::Task<void> ShardDelivery::Redo() {
    const DeliveryIntent intent = *cursor_.intent;
    source_->Seek(cursor_.after);
    while (buffer_.size() < intent.records && !ended_) {
        if (!co_await Fill()) co_return;
        if (tip_) co_await source_->Wait(std::chrono::seconds(1));
    }
    const size_t count = std::min<size_t>(buffer_.size(), intent.records);
    if (count == 0 || buffer_.front().sequence != intent.first || buffer_[count - 1].sequence != intent.last) {
        base::LogError("firehose", "{} {}: the records {} to {} of a broken-off batch are no longer all in the stream",
                       plans_.Get()->stream_name, shard_, intent.first, intent.last);
    }
    if (count == 0) {
        DeliveryCursor cursor;
        cursor.after = intent.last;
        co_await SaveUntilDone(std::move(cursor));
        co_return;
    }
    std::vector<SourceRecord> records(std::make_move_iterator(buffer_.begin()),
                                      std::make_move_iterator(buffer_.begin() + static_cast<long>(count)));
    buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<long>(count));
    for (const SourceRecord& record : records) buffer_bytes_ -= record.data.size();
    co_await WriteUntilDone(*plans_.Get(), std::move(records), intent, true);
}

env::Task<void> ShardDelivery::Run() {
    co_await LoadCursor();
    if (cursor_.ended) co_return;
    if (cursor_.intent) {
        co_await Redo();
    } else {
        source_->Seek(cursor_.after);
    }
    while (true) {
        const std::shared_ptr<const DeliveryPlan> plan = plans_.Get();
        if (const size_t due = DueBatch(*plan); due > 0) {
            co_await Deliver(due);
            continue;
        }
        if (ended_ && buffer_.empty()) {
            DeliveryCursor cursor;
            cursor.after = cursor_.after;
            cursor.ended = true;
            co_await SaveUntilDone(std::move(cursor));
            co_return;
        }
        if (!co_await Fill()) {
            base::LogWarning("firehose", "{} {}: the source is gone", plan->stream_name, shard_);
            co_return;
        }
        if (!tip_ || ended_) continue;
        // To the end of the buffer time, but in steps, as the plan may change.
        base::Duration limit = std::chrono::seconds(1);
        if (!buffer_.empty()) limit = std::min(limit, plan->buffer_time - (clock_.Ticks() - buffered_since_));
        co_await source_->Wait(std::max<base::Duration>(limit, std::chrono::milliseconds(5)));
    }
}

}  // namespace wellhead::services::firehose
