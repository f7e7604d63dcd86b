#pragma once
// Turnstile: tasks, of any executors, pass one at a time and may wait while they are inside. For a sequence of "look,
// commit, remember" that must not mix with another's. Never on the path of messages.

#include <functional>
#include <memory>
#include <utility>

#include "env/task.h"

namespace wellhead::env {

// Thread-safe. Outlives every Pass.
class Turnstile {
  public:
    Turnstile();
    ~Turnstile();
    Turnstile(const Turnstile&) = delete;
    Turnstile& operator=(const Turnstile&) = delete;

    // Lets the next one in when it goes.
    class Pass {
      public:
        explicit Pass(Turnstile& turnstile) : turnstile_(&turnstile) {}
        Pass(Pass&& other) noexcept : turnstile_(std::exchange(other.turnstile_, nullptr)) {}
        Pass& operator=(Pass&&) = delete;
        ~Pass() {
            if (turnstile_ != nullptr) turnstile_->Leave();
        }

      private:
        Turnstile* turnstile_;
    };

    // In order of arrival. auto pass = co_await turnstile.Enter();
    Task<Pass> Enter();

  private:
    void Leave();
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace wellhead::env
