#include "net/readiness.h"

#include <unistd.h>

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>

#include "base/check.h"

namespace wellhead::net {

namespace asio = boost::asio;

asio::execution_context::id ReadinessLoop::id;

Readiness::Readiness(const env::Executor& executor, int descriptor)
    : loop_(asio::use_service<ReadinessLoop>(asio::query(executor, asio::execution::context))),
      executor_(executor),
      descriptor_(descriptor) {
    registered_ = loop_.Add(*this, executor);
}

Readiness::~Readiness() {
    if (registered_) loop_.Remove(*this);
}

env::Task<void> Readiness::Wait(Side side) {
    if (ready_[side]) co_return;
    auto initiate = [this, side](auto handler) {
        CHECK(!waiting_[side]);
        auto slot = asio::get_associated_cancellation_slot(handler);
        waiting_[side] = [handler = std::move(handler), slot]() mutable {
            if (slot.is_connected()) slot.clear();
            std::move(handler)();
        };
        if (!slot.is_connected()) return;
        slot.assign([this, side](asio::cancellation_type) {
            // Not at once: whoever cancels need not expect the task to go on under its feet.
            if (waiting_[side]) asio::post(executor_, std::exchange(waiting_[side], nullptr));
        });
    };
    co_await asio::async_initiate<const asio::use_awaitable_t<>&, void()>(initiate, asio::use_awaitable);
}

void Readiness::Wake(Side side) {
    if (waiting_[side]) asio::post(executor_, std::exchange(waiting_[side], nullptr));
}

void Readiness::Close() {
    if (registered_) loop_.Remove(*this);
    registered_ = false;
    ready_ = {true, true};
    Wake(kRead);
    Wake(kWrite);
}

void Readiness::Happened(uint32_t events) {
    constexpr uint32_t kBroken = EPOLLHUP | EPOLLERR;
    // A client that ended what it sends may still read what it is sent.
    if ((events & (EPOLLRDHUP | kBroken)) != 0) ended_[kRead] = true;
    if ((events & kBroken) != 0) ended_[kWrite] = true;
    if (ended_[kRead] || (events & EPOLLIN) != 0) ready_[kRead] = true;
    if (ended_[kWrite] || (events & EPOLLOUT) != 0) ready_[kWrite] = true;
}

ReadinessLoop::ReadinessLoop(asio::execution_context& context) : service(context) {}

void ReadinessLoop::shutdown() {
    set_.reset();
    // Tasks that wait for ever; with each goes what it owns, its socket mostly.
    while (first_ != nullptr) {
        auto read = std::exchange(first_->waiting_[Readiness::kRead], nullptr);
        auto write = std::exchange(first_->waiting_[Readiness::kWrite], nullptr);
        Unlink(*first_);
    }
}

void ReadinessLoop::Unlink(Readiness& socket) {
    socket.registered_ = false;
    if (socket.previous_ != nullptr) socket.previous_->next_ = socket.next_;
    if (socket.next_ != nullptr) socket.next_->previous_ = socket.previous_;
    if (first_ == &socket) first_ = socket.next_;
}

bool ReadinessLoop::Add(Readiness& socket, const env::Executor& executor) {
    if (!set_) {
        set_descriptor_ = ::epoll_create1(EPOLL_CLOEXEC);
        if (set_descriptor_ < 0) return false;
        set_ = std::make_unique<asio::posix::stream_descriptor>(executor, set_descriptor_);
    }
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    event.data.ptr = &socket;
    if (::epoll_ctl(set_descriptor_, EPOLL_CTL_ADD, socket.descriptor_, &event) != 0) return false;
    socket.next_ = first_;
    if (first_ != nullptr) first_->previous_ = &socket;
    first_ = &socket;
    Watch();
    return true;
}

void ReadinessLoop::Remove(Readiness& socket) {
    for (size_t i = 0; i < event_count_; ++i) {
        if (events_[i].data.ptr == &socket) events_[i].data.ptr = nullptr;
    }
    Unlink(socket);
    if (!set_) return;
    ::epoll_ctl(set_descriptor_, EPOLL_CTL_DEL, socket.descriptor_, nullptr);
    // Nothing is left to wait for, and a loop without work may end.
    if (first_ == nullptr) set_->cancel();
}

void ReadinessLoop::Watch() {
    if (watching_ || first_ == nullptr) return;
    watching_ = true;
    set_->async_wait(asio::posix::stream_descriptor::wait_read, [this](const boost::system::error_code& error) {
        if (!set_) return;  // the context is going down
        watching_ = false;
        if (!error) Dispatch();
        Watch();
    });
}

void ReadinessLoop::Dispatch() {
    int count = ::epoll_wait(set_descriptor_, events_.data(), static_cast<int>(events_.size()), 0);
    event_count_ = count > 0 ? static_cast<size_t>(count) : 0;
    for (size_t i = 0; i < event_count_; ++i) {
        if (auto* socket = static_cast<Readiness*>(events_[i].data.ptr)) socket->Happened(events_[i].events);
    }
    // A task that goes on may end connections, its own too.
    for (size_t i = 0; i < event_count_; ++i) {
        for (Readiness::Side side : {Readiness::kRead, Readiness::kWrite}) {
            auto* socket = static_cast<Readiness*>(events_[i].data.ptr);
            if (socket == nullptr || !socket->ready_[side] || !socket->waiting_[side]) continue;
            std::exchange(socket->waiting_[side], nullptr)();
        }
    }
    event_count_ = 0;
}

}  // namespace wellhead::net
