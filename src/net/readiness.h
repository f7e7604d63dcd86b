#pragma once
// Which sockets of an io_context have something to read or room to write. One epoll set beside Asio's: a socket is
// registered once, edge-triggered, so that waiting for it is no system call. (Asio re-arms a descriptor for each wait.)

#include <array>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <functional>
#include <memory>
#include <sys/epoll.h>

#include "env/task.h"

namespace wellhead::net {

class ReadinessLoop;

// One socket's part. Used on its executor only, which is that of a single-threaded io_context.
class Readiness {
  public:
    enum Side : size_t { kRead, kWrite };

    // The descriptor is open, does not block, and stays open until Close. The executor outlives this.
    Readiness(const env::Executor& executor, int descriptor);
    // False: the system had no room for it (descriptors, memory, epoll's own limit), and Wait would never return.
    bool registered() const { return registered_; }
    ~Readiness();
    Readiness(const Readiness&) = delete;
    Readiness& operator=(const Readiness&) = delete;

    // False: the last try gave all that there was, or took all the room; there is no use in trying before Wait returns.
    bool ready(Side side) const { return ready_[side]; }
    // Reading gave less than was asked for, or nothing: the kernel will tell when there is more.
    void Drained(Side side) { ready_[side] = ended_[side]; }
    // Returns when side is ready, was woken, or was cancelled. One task a side.
    env::Task<void> Wait(Side side);
    // Lets the waiting task of that side return.
    void Wake(Side side);
    // Before the descriptor is closed. Waiting tasks return; from now on both sides are ready.
    void Close();

  private:
    friend class ReadinessLoop;
    void Happened(uint32_t events);

    ReadinessLoop& loop_;
    const env::Executor& executor_;
    const int descriptor_;
    bool registered_ = false;
    std::array<bool, 2> ready_{false, true};
    // Trying says so, again and again: the other side ended what it sends, or the connection broke off.
    std::array<bool, 2> ended_{false, false};
    std::array<std::move_only_function<void()>, 2> waiting_;
    Readiness* previous_ = nullptr;
    Readiness* next_ = nullptr;
};

class ReadinessLoop : public boost::asio::execution_context::service {
  public:
    using key_type = ReadinessLoop;
    static boost::asio::execution_context::id id;

    explicit ReadinessLoop(boost::asio::execution_context& context);

  private:
    friend class Readiness;
    static constexpr size_t kEvents = 512;
    void shutdown() override;
    bool Add(Readiness& socket, const env::Executor& executor);
    void Remove(Readiness& socket);
    void Unlink(Readiness& socket);
    void Watch();
    void Dispatch();

    // Asio's view of the epoll set, which is readable when one of its sockets is. Made with the first socket.
    std::unique_ptr<boost::asio::posix::stream_descriptor> set_;
    int set_descriptor_ = -1;
    Readiness* first_ = nullptr;
    bool watching_ = false;
    std::array<epoll_event, kEvents> events_;  // being dispatched; those of a socket that goes away are taken out
    size_t event_count_ = 0;
};

}  // namespace wellhead::net
