#pragma once
// The broker's journal as bytes; docs/formats/mqtt_journal.md describes them. A log record is a sequence of operations;
// the operations of one record take effect together.

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace wellhead::mqtt {

enum class JournalOpType : uint8_t {
    kSessionOpened = 1,
    kSessionClosed = 2,
    kSessionState = 3,
    kSubscribed = 4,
    kUnsubscribed = 5,
    kMessage = 6,
    kEnqueued = 7,
    kDone = 8,
    kAssigned = 9,
    kReleased = 10,
    kCompleted = 11,
    kReceived = 12,
    kForgotten = 13,
    kWillSet = 14,
    kWillCleared = 15,
    kRetained = 16,
    kRetainedCleared = 17,
    kSnapshotBegin = 18,
    kSnapshotEnd = 19,
    kDelivering = 20,
    kUndelivered = 21,
};

struct JournalTarget {
    uint64_t session = 0;
    uint8_t flags = 0;  // QoS in bits 0-1, retain in bit 2
    std::vector<uint32_t> ids;
};

// One operation; which members are meaningful depends on the type. Views point into what was decoded or will be encoded.
struct JournalOp {
    JournalOpType type = JournalOpType::kSessionOpened;
    uint64_t session = 0;
    uint64_t message = 0;
    uint16_t packet_id = 0;
    uint8_t flags = 0;
    uint32_t expiry_s = 0;
    uint32_t id = 0;      // subscription identifier; will delay
    int64_t time_us = 0;  // kMessage, kRetained: when it expires (INT64_MAX: never); session: disconnected at (0: not);
                          // kDelivering: when it came
    base::ByteView text{};  // client id, topic or filter
    base::ByteView token{};  // kDelivering: 16 random bytes, then the peer's address
    base::ByteView properties{};  // of a message; a session's principal
    base::ByteView payload{};
    std::vector<JournalTarget> targets{};
    std::vector<uint64_t> numbers{};
};

void AppendJournalOp(base::Bytes& out, const JournalOp& op);

class JournalReader {
  public:
    explicit JournalReader(base::ByteView record) : rest_(record) {}
    bool done() const { return rest_.empty(); }
    // kCorrupt when the bytes are not an operation.
    base::Result<JournalOp> Next();

  private:
    base::ByteView rest_;
};

}  // namespace wellhead::mqtt
