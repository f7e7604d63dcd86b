#include "services/firehose/shard_delivery.h"

#include <fmt/format.h>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "base/fault_point.h"
#include "base/log.h"
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
        if (const auto* objects = members.if_contains("objects"); objects != nullptr && objects->is_array()) {
            for (const auto& place : objects->get_array()) {
                if (!place.is_object()) continue;
                made.places.insert({Text(place.get_object(), "bucket"), Text(place.get_object(), "key")});
            }
        }
        cursor.intent = std::move(made);
    }
    co_return cursor;
}

env::Task<Result<void>> CursorStore::Save(std::string stream_id, std::string shard, DeliveryCursor cursor) {
    boost::json::object object{{"after", cursor.after}};
    if (cursor.ended) object["ended"] = true;
    if (cursor.intent) {
        boost::json::array objects;
        for (const ObjectPlace& place : cursor.intent->places) {
            objects.push_back(boost::json::object{{"bucket", place.bucket}, {"key", place.key}});
        }
        object["intent"] = boost::json::object{{"first", cursor.intent->first},
                                               {"last", cursor.intent->last},
                                               {"records", cursor.intent->records},
                                               {"objects", std::move(objects)}};
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

size_t FullBatch(const DeliveryPlan& plan, const std::vector<SourceRecord>& records) {
    if (records.empty()) return 0;
    const auto prefix_of = [&plan](const SourceRecord& record) {
        return plan.prefix.Evaluate({plan.LocalTime(record.arrival), "", "", "", nullptr});
    };
    const std::string prefix = prefix_of(records[0]);
    int64_t second = Seconds(records[0].arrival);
    uint64_t bytes = 0;
    for (size_t i = 0; i < records.size(); ++i) {
        if (Seconds(records[i].arrival) != second) {
            second = Seconds(records[i].arrival);
            if (prefix_of(records[i]) != prefix) return i;
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
                                                  {{"stream", plans.Get()->stream_name}})),
      bytes_(base::Metrics::Global().GetCounter("wellhead_firehose_delivered_bytes_total", "Bytes of delivered objects.",
                                                {{"stream", plans.Get()->stream_name}})),
      failures_(base::Metrics::Global().GetCounter("wellhead_firehose_delivery_failures_total",
                                                   "Tries of a delivery that failed and are made again.",
                                                   {{"stream", plans.Get()->stream_name}})),
      lag_ms_(base::Metrics::Global().GetGauge("wellhead_firehose_freshness_milliseconds",
                                               "Age of the oldest record that is not delivered yet.",
                                               {{"stream", plans.Get()->stream_name}, {"shard", shard_}})) {}

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
    lag_ms_.Set(buffer_.empty() ? 0 : base::ToUnixMs(clock_.Now()) - base::ToUnixMs(buffer_.front().arrival));
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

std::vector<SourceRecord> ShardDelivery::TakeBuffered(size_t count) {
    const auto end = buffer_.begin() + static_cast<long>(count);
    std::vector<SourceRecord> records(std::make_move_iterator(buffer_.begin()), std::make_move_iterator(end));
    buffer_.erase(buffer_.begin(), end);
    for (const SourceRecord& record : records) buffer_bytes_ -= record.data.size();
    return records;
}

// By the plan of now: what is mended in the configuration helps a batch that could not be delivered.
env::Task<Result<BatchOutcome>> ShardDelivery::WriteOnce(const std::vector<SourceRecord>& records, DeliveryIntent& intent) {
    const std::shared_ptr<const DeliveryPlan> plan = plans_.Get();
    const PreparedBatch batch = co_await writer_.Prepare(*plan, shard_, records);
    const std::set<ObjectPlace> before = intent.places;
    intent.places.insert(batch.places.begin(), batch.places.end());
    if (!cursor_.intent || cursor_.intent->places != intent.places) {
        DeliveryCursor cursor;
        cursor.after = cursor_.after;
        cursor.intent = intent;
        base::FaultPoint("firehose.cut");
        co_await SaveUntilDone(std::move(cursor));
    }
    base::FaultPoint("firehose.intent");
    const std::string name = NameOfBatch(*plan, shard_, records.front()).name;
    CO_ASSIGN_OR_RETURN(BatchOutcome outcome, co_await writer_.Store(*plan, records, batch, name));
    base::FaultPoint("firehose.stored");
    for (const ObjectPlace& place : before) {
        if (!outcome.written.contains(place)) CO_RETURN_IF_ERROR(co_await writer_.Delete(place));
    }
    co_return outcome;
}

env::Task<void> ShardDelivery::WriteUntilDone(std::vector<SourceRecord> records, DeliveryIntent intent) {
    while (true) {
        auto written = co_await WriteOnce(records, intent);
        if (written) {
            delivered_.Add(written->delivered);
            refused_.Add(written->refused);
            bytes_.Add(written->bytes);
            break;
        }
        failures_.Add();
        co_await Backoff(written.error(), "deliver");
    }
    backoff_ = base::Duration::zero();
    last_error_.clear();
    DeliveryCursor cursor;
    cursor.after = intent.last;
    cursor.ended = ended_ && buffer_.empty();
    co_await SaveUntilDone(std::move(cursor));
    base::FaultPoint("firehose.advanced");
    co_await source_->Release(intent.last);
}

env::Task<void> ShardDelivery::Deliver(size_t count) {
    std::vector<SourceRecord> records = TakeBuffered(count);
    buffered_since_ = clock_.Ticks();
    DeliveryIntent intent;
    intent.first = records.front().sequence;
    intent.last = records.back().sequence;
    intent.records = records.size();
    co_await WriteUntilDone(std::move(records), std::move(intent));
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
    co_await WriteUntilDone(TakeBuffered(count), intent);
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
