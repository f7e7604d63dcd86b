#include "services/console/live_feed.h"

#include <fmt/format.h>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/post.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include "services/console/follower.h"

namespace wellhead::services::console {

void Viewer::Push(const Frame& frame) {
    std::lock_guard lock(mutex_);
    queue_.push_back(frame);
    queued_bytes_ += frame->size();
    while (queued_bytes_ > kMaxQueuedBytes && queue_.size() > 1) {
        queued_bytes_ -= queue_.front()->size();
        queue_.pop_front();
        ++dropped_;
    }
    if (woken_) return;
    woken_ = true;
    boost::asio::post(home_, [this] { more_.Set(); });
}

env::Task<std::vector<Frame>> Viewer::Next(size_t& dropped) {
    co_await more_.Wait();
    more_.Reset();
    std::lock_guard lock(mutex_);
    woken_ = false;
    std::vector<Frame> frames(queue_.begin(), queue_.end());
    queue_.clear();
    queued_bytes_ = 0;
    dropped = std::exchange(dropped_, 0);
    co_return frames;
}

class Watching final : public net::WebSocketHandler {
  public:
    Watching(LiveFeed& feed, std::string stream, env::Clock& clock)
        : feed_(feed), stream_(std::move(stream)), clock_(clock) {}

    env::Task<void> Serve(net::WebSocket& socket) override {
        using boost::asio::experimental::awaitable_operators::operator||;
        auto executor = co_await boost::asio::this_coro::executor;
        auto viewer = std::make_shared<Viewer>(executor);
        std::string hello = fmt::format(R"({{"t":"hello","now":{:.1f}}})", Now());
        auto greeted = co_await socket.Write(false, hello);
        if (!greeted) co_return;
        auto follower = feed_.Join(stream_, viewer);
        co_await (Send(socket, *viewer) || Receive(socket, *viewer));
        feed_.Leave(stream_, viewer);
        // A wake-up may still be on its way to the executor.
        boost::asio::post(executor, [viewer] {});
    }

  private:
    double Now() { return static_cast<double>(base::ToUnixUs(clock_.Now())) / 1000; }

    env::Task<void> Send(net::WebSocket& socket, Viewer& viewer) {
        for (;;) {
            size_t dropped = 0;
            std::vector<Frame> frames = co_await viewer.Next(dropped);
            if (dropped > 0) {
                std::string note = fmt::format(R"({{"t":"drop","n":{}}})", dropped);
                auto written = co_await socket.Write(false, note);
                if (!written) co_return;
            }
            for (const Frame& frame : frames) {
                auto written = co_await socket.Write(false, *frame);
                if (!written) co_return;
            }
        }
    }

    // Pings are answered through the viewer's queue: one writer a socket.
    env::Task<void> Receive(net::WebSocket& socket, Viewer& viewer) {
        for (;;) {
            auto message = co_await socket.Read();
            if (!message) co_return;
            boost::system::error_code error;
            boost::json::value value = boost::json::parse(message->data, error);
            if (error || !value.is_object()) continue;
            const boost::json::value* sent = value.get_object().if_contains("c");
            if (sent == nullptr || !sent->is_number()) continue;
            viewer.Push(std::make_shared<const std::string>(
                fmt::format(R"({{"t":"pong","c":{},"s":{:.1f}}})", sent->to_number<double>(), Now())));
        }
    }

    LiveFeed& feed_;
    std::string stream_;
    env::Clock& clock_;
};

LiveFeed::LiveFeed(Apis apis, Dependencies dependencies, Settings settings)
    : apis_(apis), deps_(dependencies), settings_(std::move(settings)) {}

LiveFeed::~LiveFeed() = default;

std::shared_ptr<net::WebSocketHandler> LiveFeed::Watch(std::string stream) {
    return std::make_shared<Watching>(*this, std::move(stream), deps_.clock);
}

size_t LiveFeed::viewers() const {
    std::lock_guard lock(mutex_);
    size_t count = 0;
    for (const auto& [stream, follower] : followers_) count += follower->viewers();
    return count;
}

uint64_t LiveFeed::records() const {
    std::lock_guard lock(mutex_);
    uint64_t count = 0;
    for (const auto& [stream, follower] : followers_) count += follower->records();
    return count;
}

std::shared_ptr<Follower> LiveFeed::Join(const std::string& stream, const std::shared_ptr<Viewer>& viewer) {
    std::lock_guard lock(mutex_);
    auto& follower = followers_[stream];
    if (!follower) {
        follower = std::make_shared<Follower>(apis_, deps_, settings_, stream);
        follower->Start();
    }
    follower->Add(viewer);
    return follower;
}

void LiveFeed::Leave(const std::string& stream, const std::shared_ptr<Viewer>& viewer) {
    std::lock_guard lock(mutex_);
    auto found = followers_.find(stream);
    if (found == followers_.end() || found->second->Remove(viewer) > 0) return;
    found->second->Stop();
    followers_.erase(found);
}

}  // namespace wellhead::services::console
