#pragma once
// Event streams whose event variant is not known to the codec.

#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <variant>

#include "api/service.h"
#include "api/shape.h"

namespace wellhead::api {

struct EventType {
    std::string_view name;
    const Structure* structure;
};

// An event of the variant's alternative type; type is -1 at the end of the stream.
struct ErasedEvent {
    int type = -1;
    std::shared_ptr<const void> value;
};

// Where a remote client's events come from.
class ErasedEventSource {
  public:
    virtual ~ErasedEventSource() = default;
    // Reads the next event. emplace makes the variant's alternative of that type and returns it. False at the end.
    virtual env::Task<Outcome<bool>> Next(void* variant, void* (*emplace)(void* variant, int type)) = 0;
};

struct EventOps {
    env::Task<Outcome<ErasedEvent>> (*next)(const void* stream);
    void (*connect)(void* stream, std::unique_ptr<ErasedEventSource> source);
};

struct EventStreamType {
    std::span<const EventType> events;
    const EventOps* ops;
};

template <class Event>
void* EmplaceEvent(void* variant, int type) {
    auto& event = *static_cast<Event*>(variant);
    void* made = nullptr;
    [&]<size_t... I>(std::index_sequence<I...>) {
        ((static_cast<int>(I) == type ? (made = &event.template emplace<I>()) : made), ...);
    }(std::make_index_sequence<std::variant_size_v<Event>>());
    return made;
}

template <class Event>
class RemoteEvents final : public EventSource<Event> {
  public:
    explicit RemoteEvents(std::unique_ptr<ErasedEventSource> source) : source_(std::move(source)) {}
    env::Task<Outcome<std::optional<Event>>> Next() override {
        Event event;
        auto more = co_await source_->Next(&event, &EmplaceEvent<Event>);
        if (!more) co_return std::unexpected(std::move(more).error());
        std::optional<Event> next;
        if (*more) next = std::move(event);
        co_return next;
    }

  private:
    std::unique_ptr<ErasedEventSource> source_;
};

template <class Event>
env::Task<Outcome<ErasedEvent>> NextEvent(const void* stream) {
    auto next = co_await (*static_cast<const EventStream<Event>*>(stream))->Next();
    if (!next) co_return std::unexpected(std::move(next).error());
    ErasedEvent erased;
    if (next->has_value()) {
        auto held = std::make_shared<Event>(std::move(**next));
        erased.type = static_cast<int>(held->index());
        const void* value =
            std::visit([](const auto& alternative) -> const void* { return &alternative; }, *held);
        erased.value = std::shared_ptr<const void>(held, value);
    }
    co_return erased;
}

template <class Event>
void ConnectEvents(void* stream, std::unique_ptr<ErasedEventSource> source) {
    *static_cast<EventStream<Event>*>(stream) = std::make_unique<RemoteEvents<Event>>(std::move(source));
}

template <class Event>
inline constexpr EventOps kEventOps{&NextEvent<Event>, &ConnectEvents<Event>};

}  // namespace wellhead::api
