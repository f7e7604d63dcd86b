#pragma once
// Follows one stream from a few minutes ago on, and gives its readings to the viewers as frames.

#include <atomic>

#include "env/event.h"
#include "env/scope.h"
#include "services/console/live_feed.h"

namespace wellhead::services::console {

class Follower : public std::enable_shared_from_this<Follower> {
  public:
    Follower(Apis apis, Dependencies dependencies, Settings settings, std::string stream);

    // Starts reading, on the dependencies' home. Once.
    void Start();
    // Ends reading; from any thread.
    void Stop();

    // The viewer gets the backlog and then every frame. From any thread.
    void Add(const std::shared_ptr<Viewer>& viewer);
    // How many are left.
    size_t Remove(const std::shared_ptr<Viewer>& viewer);
    size_t viewers() const;
    uint64_t records() const { return records_; }

  private:
    env::Task<void> Run();
    env::Task<void> FollowShards();
    // One shard to its end. By polling: a registered consumer would be told at once, but would also stand in the way of
    // whoever deletes the stream.
    env::Task<void> FollowShard(std::string shard);
    env::Task<bool> Poll(const std::string& shard, std::string& after, bool& ended);
    template <class Records>
    void Take(const Records& records, std::string& after);
    void Flush();
    env::Task<void> FlushLater();
    void Publish(std::string frame, bool backlog);

    Apis apis_;
    Dependencies deps_;
    Settings settings_;
    std::string stream_;
    api::CallContext context_;
    base::Instant begin_;

    // On home only.
    FrameWriter writer_;
    std::set<std::string> followed_;
    bool flush_due_ = false;
    env::Event stopping_;
    base::Tick last_flush_{};

    std::atomic<bool> stopped_{false};
    std::atomic<uint64_t> records_{0};
    mutable std::mutex mutex_;
    std::set<std::shared_ptr<Viewer>> viewers_;
    std::deque<std::pair<base::Instant, Frame>> backlog_;
    size_t backlog_bytes_ = 0;
};

}  // namespace wellhead::services::console
