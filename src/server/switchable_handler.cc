#include "server/switchable_handler.h"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/post.hpp>

namespace wellhead::server {

namespace asio = boost::asio;
using asio::experimental::awaitable_operators::operator||;

struct SwitchableHandler::State {
    explicit State(env::Executor executor) : home(executor), idle(executor) {}

    const env::Executor home;
    env::Event idle;  // nothing uses the target; on home
    std::mutex mutex;
    net::HttpHandler* target = nullptr;
    std::list<Use*> uses;
};

// One request, body or socket that uses the target. Made and gone on its connection's executor.
class SwitchableHandler::Use {
  public:
    // Null when there is no target now.
    static std::shared_ptr<Use> Begin(std::shared_ptr<State> state, env::Executor executor) {
        std::lock_guard lock(state->mutex);
        if (state->target == nullptr) return nullptr;
        return std::shared_ptr<Use>(new Use(state, std::move(executor)));
    }
    ~Use() {
        std::lock_guard lock(state_->mutex);
        state_->uses.erase(place_);
        if (state_->target != nullptr || !state_->uses.empty()) return;
        asio::post(state_->home, [state = state_] { state->idle.Set(); });
    }
    net::HttpHandler& target() { return *target_; }
    // Returns when the target is to be left.
    env::Task<void> Closing() { return closing_->Wait(); }
    bool closed() const { return closing_->is_set(); }
    // From any thread, under the state's mutex.
    void Leave() {
        asio::post(executor_, [closing = closing_] { closing->Set(); });
    }

  private:
    Use(std::shared_ptr<State> state, env::Executor executor)
        : state_(std::move(state)),
          executor_(executor),
          target_(state_->target),
          closing_(std::make_shared<env::Event>(executor)),
          place_(state_->uses.insert(state_->uses.end(), this)) {}

    const std::shared_ptr<State> state_;
    const env::Executor executor_;
    net::HttpHandler* const target_;
    const std::shared_ptr<env::Event> closing_;
    const std::list<Use*>::iterator place_;
};

namespace {

using UsePointer = std::shared_ptr<SwitchableHandler::Use>;

net::HttpResponse ComeAgain() {
    net::HttpResponse response;
    response.status = 503;
    response.headers.Add("content-type", "application/json");
    response.headers.Add("retry-after", "1");
    response.body = std::string(R"({"__type":"ServiceUnavailable","message":"Wellhead is being reset."})");
    return response;
}

class UsedSource final : public net::BodySource {
  public:
    UsedSource(UsePointer use, std::unique_ptr<net::BodySource> source) : use_(std::move(use)), source_(std::move(source)) {}
    env::Task<base::Result<base::Bytes>> Next() override {
        if (!use_->closed()) {
            auto first = co_await (source_->Next() || use_->Closing());
            if (first.index() == 0) co_return std::move(std::get<0>(first));
        }
        source_.reset();
        co_return base::Fail(base::ErrorCode::kUnavailable, "reset");
    }

  private:
    const UsePointer use_;  // goes last
    std::unique_ptr<net::BodySource> source_;
};

class UsedSocket final : public net::WebSocketHandler {
  public:
    UsedSocket(UsePointer use, std::shared_ptr<net::WebSocketHandler> handler)
        : use_(std::move(use)), handler_(std::move(handler)) {}
    env::Task<void> Serve(net::WebSocket& socket) override { co_await (handler_->Serve(socket) || use_->Closing()); }

  private:
    const UsePointer use_;
    const std::shared_ptr<net::WebSocketHandler> handler_;
};

}  // namespace

SwitchableHandler::SwitchableHandler(env::Executor home) : state_(std::make_shared<State>(std::move(home))) {}

void SwitchableHandler::Open(net::HttpHandler& target) {
    std::lock_guard lock(state_->mutex);
    state_->target = &target;
    state_->idle.Reset();
}

env::Task<void> SwitchableHandler::Close() {
    {
        std::lock_guard lock(state_->mutex);
        state_->target = nullptr;
        for (Use* use : state_->uses) use->Leave();
        if (state_->uses.empty()) co_return;
    }
    co_await state_->idle.Wait();
}

env::Task<net::HttpResponse> SwitchableHandler::Handle(net::HttpRequest& request) {
    UsePointer use = Use::Begin(state_, co_await asio::this_coro::executor);
    if (use == nullptr) co_return ComeAgain();
    auto first = co_await (use->target().Handle(request) || use->Closing());
    if (first.index() != 0) co_return ComeAgain();
    net::HttpResponse response = std::move(std::get<0>(first));
    if (auto* source = std::get_if<std::unique_ptr<net::BodySource>>(&response.body)) {
        response.body = std::make_unique<UsedSource>(use, std::move(*source));
    }
    if (response.upgrade) response.upgrade = std::make_shared<UsedSocket>(use, std::move(response.upgrade));
    co_return response;
}

}  // namespace wellhead::server
