#pragma once
// SwitchableHandler: a listener's handler whose target can be taken away while connections stay. For a reset: what was
// under way breaks off, what comes meanwhile is asked to come again.

#include <list>
#include <memory>
#include <mutex>

#include "env/event.h"
#include "env/task.h"
#include "net/http.h"

namespace wellhead::server {

class SwitchableHandler final : public net::HttpHandler {
  public:
    // home: of Close and Open.
    explicit SwitchableHandler(env::Executor home);

    // target outlives the next Close.
    void Open(net::HttpHandler& target);
    // Returns when nothing uses the target any more.
    env::Task<void> Close();

    env::Task<net::HttpResponse> Handle(net::HttpRequest& request) override;

    class Use;

  private:
    struct State;
    friend class Use;
    std::shared_ptr<State> state_;
};

}  // namespace wellhead::server
