#include "api/event_frames.h"

#include "api/bound_service.h"
#include "api/cbor_shape.h"
#include "api/event_ops.h"
#include "api/json_shape.h"
#include "codec/crc.h"

namespace wellhead::api {

namespace {

void AppendNumber(uint64_t value, size_t width, std::string& out) {
    for (size_t i = width; i-- > 0;) out.push_back(static_cast<char>(value >> (8 * i)));
}

// Header of type 7, a string.
void AppendHeader(std::string_view name, std::string_view value, std::string& out) {
    out.push_back(static_cast<char>(name.size()));
    out.append(name);
    out.push_back(7);
    AppendNumber(value.size(), 2, out);
    out.append(value);
}

// Prelude (length, header length, its CRC), headers, payload, CRC of all before.
std::string Frame(std::string_view headers, std::string_view payload) {
    std::string frame;
    AppendNumber(12 + headers.size() + payload.size() + 4, 4, frame);
    AppendNumber(headers.size(), 4, frame);
    AppendNumber(codec::Crc32(frame), 4, frame);
    frame.append(headers).append(payload);
    AppendNumber(codec::Crc32(frame), 4, frame);
    return frame;
}

std::string_view ContentType(EventEncoding encoding) {
    return encoding == EventEncoding::kCbor ? "application/x-amz-cbor-1.1" : "application/json";
}

std::string Encode(const Structure& structure, const void* value, EventEncoding encoding) {
    std::string payload;
    if (encoding == EventEncoding::kCbor) {
        WriteCborMembers(structure, value, payload);
    } else {
        WriteJsonMembers(structure, value, payload);
    }
    return payload;
}

std::string EventFrame(std::string_view type, std::string_view payload, EventEncoding encoding) {
    std::string headers;
    AppendHeader(":message-type", "event", headers);
    AppendHeader(":event-type", type, headers);
    AppendHeader(":content-type", ContentType(encoding), headers);
    return Frame(headers, payload);
}

class EventFrames final : public ByteStream {
  public:
    EventFrames(const Structure& structure, const Member& member, std::shared_ptr<Value> output,
                EventEncoding encoding)
        : structure_(structure), member_(member), output_(std::move(output)), encoding_(encoding) {}

    env::Task<base::Result<base::Bytes>> Read() override {
        if (!begun_) {
            begun_ = true;
            std::string payload = Encode(structure_, output_->get(), encoding_);
            co_return EventFrame("initial-response", payload, encoding_);
        }
        if (ended_) co_return base::Bytes();
        const void* stream = member_.Get(output_->get());
        if (stream == nullptr) {
            ended_ = true;
            co_return base::Bytes();
        }
        const EventStreamType& type = *member_.shape->events;
        auto event = co_await type.ops->next(stream);
        if (!event) {
            ended_ = true;
            std::string headers;
            AppendHeader(":message-type", "exception", headers);
            AppendHeader(":exception-type", event.error().code, headers);
            AppendHeader(":content-type", ContentType(encoding_), headers);
            bool cbor = encoding_ == EventEncoding::kCbor;
            std::string payload = cbor ? CborErrorBody(event.error(), "message")
                                       : JsonErrorBody(event.error(), "message");
            co_return Frame(headers, payload);
        }
        if (event->type < 0) {
            ended_ = true;
            co_return base::Bytes();
        }
        const EventType& of = type.events[static_cast<size_t>(event->type)];
        std::string payload = Encode(*of.structure, event->value.get(), encoding_);
        co_return EventFrame(of.name, payload, encoding_);
    }
    std::optional<uint64_t> length() const override { return std::nullopt; }

  private:
    const Structure& structure_;
    const Member& member_;
    std::shared_ptr<Value> output_;
    const EventEncoding encoding_;
    bool begun_ = false;
    bool ended_ = false;
};

}  // namespace

StreamBody MakeEventFrames(const Structure& structure, const Member& member, std::shared_ptr<Value> output,
                           EventEncoding encoding) {
    return std::make_unique<EventFrames>(structure, member, std::move(output), encoding);
}

}  // namespace wellhead::api
