#pragma once
// The live feed: one follower a stream, shared by everyone who watches it; it ends when the last one leaves. A viewer
// that reads too slowly loses its oldest frames, and nobody else notices.

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>

#include "env/event.h"
#include "services/console/console.h"
#include "services/console/live_points.h"

namespace wellhead::services::console {

using Frame = std::shared_ptr<const std::string>;

// One page that watches. Frames come from the follower's thread and go out on the connection's.
class Viewer {
  public:
    static constexpr size_t kMaxQueuedBytes = 4 << 20;

    explicit Viewer(env::Executor home) : home_(home), more_(home) {}
    // From any thread.
    void Push(const Frame& frame);
    // On home: the next frames, after waiting for at least one; dropped: how many were left out since the last call.
    env::Task<std::vector<Frame>> Next(size_t& dropped);

  private:
    env::Executor home_;
    env::Event more_;
    std::mutex mutex_;
    std::deque<Frame> queue_;
    size_t queued_bytes_ = 0;
    size_t dropped_ = 0;
    bool woken_ = false;
};

class Follower;

// Thread-safe.
class LiveFeed {
  public:
    LiveFeed(Apis apis, Dependencies dependencies, Settings settings);
    ~LiveFeed();

    // The handler of a WebSocket that watches stream.
    std::shared_ptr<net::WebSocketHandler> Watch(std::string stream);
    size_t viewers() const;
    // Records that were read from streams for viewers.
    uint64_t records() const;

  private:
    friend class Watching;
    std::shared_ptr<Follower> Join(const std::string& stream, const std::shared_ptr<Viewer>& viewer);
    void Leave(const std::string& stream, const std::shared_ptr<Viewer>& viewer);

    Apis apis_;
    Dependencies deps_;
    Settings settings_;
    mutable std::mutex mutex_;
    std::map<std::string, std::shared_ptr<Follower>> followers_;
};

}  // namespace wellhead::services::console
