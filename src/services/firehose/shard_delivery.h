#pragma once
// ShardDelivery: reads one shard and puts each of its records into exactly one object. The steps of a batch, each of
// which may be the last one before a kill (docs/formats/firehose.md):
//   1. cut the batch; 2. record the intent (first and last sequence, all places that may be written) durably; 3. write the
//   objects, delete what an earlier try wrote elsewhere; 4. in one commit: move the cursor behind the batch, forget the
//   intent.
// After a kill between 2 and 4 the same records are written again, to the same places unless the configuration changed.

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "env/clock.h"
#include "services/firehose/batch_writer.h"
#include "services/firehose/record_source.h"
#include "storage/table/table.h"

namespace wellhead::services::firehose {

struct DeliveryIntent {
    std::string first;
    std::string last;
    uint64_t records = 0;
    std::set<ObjectPlace> places;
};

struct DeliveryCursor {
    std::string after;  // the last sequence that was delivered; "" before the first
    std::optional<DeliveryIntent> intent;
    bool ended = false;  // the shard is closed and all of it delivered
};

// Cursors in the metadata table. Thread-safe.
class CursorStore {
  public:
    explicit CursorStore(storage::Table& table) : table_(table) {}
    env::Task<base::Result<DeliveryCursor>> Load(std::string stream_id, std::string shard);
    env::Task<base::Result<void>> Save(std::string stream_id, std::string shard, DeliveryCursor cursor);
    env::Task<base::Result<void>> DeleteAll(std::string stream_id);

  private:
    storage::Table& table_;
};

// The plan may change while deliveries run: each batch takes the current one.
class PlanHolder {
  public:
    explicit PlanHolder(DeliveryPlan plan) : plan_(std::make_shared<const DeliveryPlan>(std::move(plan))) {}
    std::shared_ptr<const DeliveryPlan> Get() const {
        const std::lock_guard lock(mutex_);
        return plan_;
    }
    void Set(DeliveryPlan plan) {
        const std::lock_guard lock(mutex_);
        plan_ = std::make_shared<const DeliveryPlan>(std::move(plan));
    }

  private:
    mutable std::mutex mutex_;
    std::shared_ptr<const DeliveryPlan> plan_;
};

// How many of the first records make a batch that must not grow: full, or the next one has another prefix. 0: none yet.
size_t FullBatch(const DeliveryPlan& plan, const std::vector<SourceRecord>& records);

class ShardDelivery {
  public:
    // All outlive it.
    ShardDelivery(env::Clock& clock, CursorStore& cursors, BatchWriter& writer, const PlanHolder& plans, std::string shard,
                  std::unique_ptr<RecordSource> source);

    // Until the shard ends, its source is gone or the task is cancelled.
    env::Task<void> Run();

  private:
    env::Task<void> LoadCursor();
    env::Task<bool> Fill();
    env::Task<void> Redo();
    env::Task<void> Deliver(size_t count);
    env::Task<void> WriteUntilDone(std::vector<SourceRecord> records, DeliveryIntent intent);
    env::Task<base::Result<BatchOutcome>> WriteOnce(const std::vector<SourceRecord>& records, DeliveryIntent& intent);
    std::vector<SourceRecord> TakeBuffered(size_t count);
    env::Task<void> SaveUntilDone(DeliveryCursor cursor);
    size_t DueBatch(const DeliveryPlan& plan) const;
    env::Task<void> Backoff(const base::Error& error, const char* what);

    env::Clock& clock_;
    CursorStore& cursors_;
    BatchWriter& writer_;
    const PlanHolder& plans_;
    std::string shard_;
    std::unique_ptr<RecordSource> source_;
    DeliveryCursor cursor_;
    std::vector<SourceRecord> buffer_;
    uint64_t buffer_bytes_ = 0;
    base::Tick buffered_since_;
    bool tip_ = false;    // the last read found nothing
    bool ended_ = false;
    base::Duration backoff_{0};
    std::string last_error_;
    base::Counter& delivered_;
    base::Counter& refused_;
    base::Counter& bytes_;
    base::Counter& failures_;
    base::Gauge& lag_ms_;
};

}  // namespace wellhead::services::firehose
