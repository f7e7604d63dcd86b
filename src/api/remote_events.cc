#include "api/remote_events.h"

#include <boost/json/parse.hpp>

#include "api/json_shape.h"
#include "api/remote.h"
#include "codec/event_stream.h"

namespace wellhead::api {

namespace {

class RemoteFrames final : public ErasedEventSource {
  public:
    RemoteFrames(StreamBody frames, const EventStreamType& type) : frames_(std::move(frames)), type_(type) {}

    env::Task<Outcome<bool>> Next(void* variant, void* (*emplace)(void* variant, int type)) override {
        for (;;) {
            auto frame = codec::DecodeEventFrame(buffer_);
            if (!frame) co_return std::unexpected(RemoteError(502, "SerializationException", frame.error().message));
            if (!*frame) {
                auto more = co_await frames_->Read();
                if (!more) co_return std::unexpected(TransportError(more.error()));
                if (more->empty() && buffer_.empty()) co_return false;
                if (more->empty()) {
                    co_return std::unexpected(RemoteError(502, "SerializationException", "the last event is cut off"));
                }
                buffer_ += *more;
                continue;
            }
            buffer_.erase(0, (*frame)->size);
            if ((*frame)->Header(":message-type") != "event") co_return std::unexpected(ErrorIn(**frame));
            auto read = Take(**frame, variant, emplace);
            if (!read) co_return std::unexpected(RemoteError(502, "SerializationException", read.error().message));
            if (*read) co_return true;
        }
    }

  private:
    static ServiceError ErrorIn(const codec::EventFrame& frame) {
        std::string_view code = frame.Header(":exception-type");
        if (code.empty()) code = frame.Header(":error-code");
        std::string message(frame.Header(":error-message"));
        boost::system::error_code ignored;
        auto value = boost::json::parse(frame.payload, ignored);
        if (const auto* object = value.if_object()) {
            for (const char* name : {"message", "Message"}) {
                const auto* text = object->if_contains(name);
                if (text != nullptr && text->is_string()) message = text->get_string();
            }
        }
        return RemoteError(400, code, message);
    }

    // False for a frame that is no event of the model: the initial response, or one that is newer than we are.
    base::Result<bool> Take(const codec::EventFrame& frame, void* variant, void* (*emplace)(void*, int)) const {
        std::string_view name = frame.Header(":event-type");
        for (size_t i = 0; i < type_.events.size(); ++i) {
            if (type_.events[i].name != name) continue;
            boost::system::error_code error;
            auto value = boost::json::parse(frame.payload, error);
            if (error || !value.is_object()) {
                return base::Fail(base::ErrorCode::kInvalidArgument, "an event is not a JSON object");
            }
            std::vector<std::string> missing;
            RETURN_IF_ERROR(ReadJsonMembers(value.get_object(), *type_.events[i].structure,
                                            emplace(variant, static_cast<int>(i)), "", missing));
            return true;
        }
        return false;
    }

    const StreamBody frames_;
    const EventStreamType& type_;
    std::string buffer_;
};

}  // namespace

std::unique_ptr<ErasedEventSource> ReadRemoteEvents(StreamBody frames, const EventStreamType& type) {
    return std::make_unique<RemoteFrames>(std::move(frames), type);
}

}  // namespace wellhead::api
