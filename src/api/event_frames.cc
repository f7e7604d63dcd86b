#include "api/event_frames.h"

#include "api/bound_service.h"
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

std::string EventFrame(std::string_view type, std::string_view payload) {
    std::string headers;
    AppendHeader(":message-type", "event", headers);
    AppendHeader(":event-type", type, headers);
    AppendHeader(":content-type", "application/json", headers);
    return Frame(headers, payload);
}

class EventFrames final : public ByteStream {
  public:
    EventFrames(const Structure& structure, const Member& member, std::shared_ptr<Value> output)
        : structure_(structure), member_(member), output_(std::move(output)) {}

    env::Task<base::Result<base::Bytes>> Read() override {
        if (!begun_) {
            begun_ = true;
            std::string payload;
            WriteJsonMembers(structure_, output_->get(), payload);
            co_return EventFrame("initial-response", payload);
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
            AppendHeader(":content-type", "application/json", headers);
            co_return Frame(headers, JsonErrorBody(event.error(), "message"));
        }
        if (event->type < 0) {
            ended_ = true;
            co_return base::Bytes();
        }
        const EventType& of = type.events[static_cast<size_t>(event->type)];
        std::string payload;
        WriteJsonMembers(*of.structure, event->value.get(), payload);
        co_return EventFrame(of.name, payload);
    }
    std::optional<uint64_t> length() const override { return std::nullopt; }

  private:
    const Structure& structure_;
    const Member& member_;
    std::shared_ptr<Value> output_;
    bool begun_ = false;
    bool ended_ = false;
};

}  // namespace

StreamBody MakeEventFrames(const Structure& structure, const Member& member, std::shared_ptr<Value> output) {
    return std::make_unique<EventFrames>(structure, member, std::move(output));
}

}  // namespace wellhead::api
