#include "mqtt/journal_format.h"

namespace wellhead::mqtt {

namespace {

using enum JournalOpType;

void AppendNumber(base::Bytes& out, uint64_t value) {  // LEB128
    while (value >= 0x80) {
        out.push_back(static_cast<char>(value | 0x80));
        value >>= 7;
    }
    out.push_back(static_cast<char>(value));
}
void AppendText(base::Bytes& out, base::ByteView text) {
    AppendNumber(out, text.size());
    out.append(text);
}

class Fields {
  public:
    explicit Fields(base::ByteView bytes) : bytes_(bytes) {}
    bool ok() const { return ok_; }
    bool done() const { return bytes_.empty(); }
    size_t left() const { return bytes_.size(); }

    uint64_t Number() {
        uint64_t value = 0;
        for (unsigned shift = 0; shift < 64; shift += 7) {
            if (bytes_.empty()) break;
            auto byte = static_cast<uint8_t>(bytes_[0]);
            bytes_.remove_prefix(1);
            value |= static_cast<uint64_t>(byte & 0x7F) << shift;
            if ((byte & 0x80) == 0) return value;
        }
        ok_ = false;
        return 0;
    }
    template <class T>
    T Small() {
        uint64_t value = Number();
        if (value > T(-1)) ok_ = false;
        return static_cast<T>(value);
    }
    base::ByteView Text() { return Take(Number()); }
    base::ByteView Take(uint64_t size) {
        if (size > bytes_.size()) {
            ok_ = false;
            return {};
        }
        auto text = bytes_.substr(0, size);
        bytes_.remove_prefix(size);
        return text;
    }
    base::ByteView rest() const { return bytes_; }

  private:
    base::ByteView bytes_;
    bool ok_ = true;
};

// Which members an operation carries, in this order on disk.
struct Layout {
    bool session = false, message = false, packet_id = false, flags = false, expiry = false, id = false, time = false;
    bool text = false, properties = false, payload = false, token = false, targets = false, numbers = false;
};

Layout LayoutOf(JournalOpType type) {
    Layout l;
    switch (type) {
        case kSessionOpened: l.session = l.expiry = l.time = l.text = l.properties = true; break;
        case kSessionClosed:
        case kWillCleared:
        case kSnapshotBegin:
        case kSnapshotEnd: l.session = true; break;
        case kSessionState: l.session = l.expiry = l.time = true; break;
        case kSubscribed: l.session = l.flags = l.id = l.text = true; break;
        case kUnsubscribed: l.session = l.text = true; break;
        case kMessage: l.message = l.time = l.text = l.properties = l.payload = true; break;
        case kEnqueued: l.message = l.targets = true; break;
        case kDone: l.session = l.numbers = true; break;
        case kAssigned: l.session = l.message = l.packet_id = true; break;
        case kReleased:
        case kCompleted:
        case kReceived:
        case kUndelivered:
        case kForgotten: l.session = l.packet_id = true; break;
        case kWillSet:
            l.session = l.flags = l.expiry = l.id = l.text = l.properties = l.payload = true;
            break;
        case kDelivering:
            l.session = l.packet_id = l.flags = l.expiry = l.time = l.text = l.properties = l.payload = l.token = true;
            break;
        case kRetained: l.message = l.flags = l.time = l.text = l.properties = l.payload = true; break;
        case kRetainedCleared: l.text = true; break;
    }
    return l;
}

void ReadTargets(Fields& fields, JournalOp& op) {
    uint64_t count = fields.Number();
    if (count > fields.left()) count = UINT64_MAX;  // each takes at least a byte: not true, so not ok below
    for (uint64_t i = 0; i < count && fields.ok(); ++i) {
        JournalTarget target;
        target.session = fields.Number();
        target.flags = fields.Small<uint8_t>();
        auto ids = fields.Number();
        for (uint64_t k = 0; k < ids && fields.ok(); ++k) target.ids.push_back(fields.Small<uint32_t>());
        op.targets.push_back(std::move(target));
    }
}

}  // namespace

void AppendJournalOp(base::Bytes& out, const JournalOp& op) {
    const Layout l = LayoutOf(op.type);
    base::Bytes body;
    body.reserve(48 + op.text.size() + op.properties.size() + op.payload.size() + 12 * op.targets.size());
    if (l.session) AppendNumber(body, op.session);
    if (l.message) AppendNumber(body, op.message);
    if (l.packet_id) AppendNumber(body, op.packet_id);
    if (l.flags) AppendNumber(body, op.flags);
    if (l.expiry) AppendNumber(body, op.expiry_s);
    if (l.id) AppendNumber(body, op.id);
    if (l.time) AppendNumber(body, static_cast<uint64_t>(op.time_us));
    if (l.text) AppendText(body, op.text);
    if (l.properties) AppendText(body, op.properties);
    if (l.payload) AppendText(body, op.payload);
    if (l.token) AppendText(body, op.token);
    if (l.targets) {
        AppendNumber(body, op.targets.size());
        for (const auto& target : op.targets) {
            AppendNumber(body, target.session);
            AppendNumber(body, target.flags);
            AppendNumber(body, target.ids.size());
            for (uint32_t id : target.ids) AppendNumber(body, id);
        }
    }
    if (l.numbers) {
        AppendNumber(body, op.numbers.size());
        for (uint64_t number : op.numbers) AppendNumber(body, number);
    }
    out.push_back(static_cast<char>(op.type));
    AppendText(out, body);
}

base::Result<JournalOp> JournalReader::Next() {
    auto corrupt = [] { return base::Fail(base::ErrorCode::kCorrupt, "not an operation of the broker's journal"); };
    Fields outer(rest_);
    JournalOp op;
    auto type = outer.Take(1);
    auto body = outer.Text();
    if (!outer.ok()) return corrupt();
    auto code = static_cast<uint8_t>(type[0]);
    if (code < 1 || code > static_cast<uint8_t>(kUndelivered)) return corrupt();
    op.type = static_cast<JournalOpType>(code);
    rest_ = outer.rest();

    const Layout l = LayoutOf(op.type);
    Fields fields(body);
    if (l.session) op.session = fields.Number();
    if (l.message) op.message = fields.Number();
    if (l.packet_id) op.packet_id = fields.Small<uint16_t>();
    if (l.flags) op.flags = fields.Small<uint8_t>();
    if (l.expiry) op.expiry_s = fields.Small<uint32_t>();
    if (l.id) op.id = fields.Small<uint32_t>();
    if (l.time) op.time_us = static_cast<int64_t>(fields.Number());
    if (l.text) op.text = fields.Text();
    if (l.properties) op.properties = fields.Text();
    if (l.payload) op.payload = fields.Text();
    if (l.token) op.token = fields.Text();
    if (l.targets) ReadTargets(fields, op);
    if (l.numbers) {
        auto count = fields.Number();
        for (uint64_t i = 0; i < count && fields.ok(); ++i) op.numbers.push_back(fields.Number());
    }
    if (!fields.ok() || !fields.done()) return corrupt();
    return op;
}

}  // namespace wellhead::mqtt
