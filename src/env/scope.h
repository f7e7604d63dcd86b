#pragma once
// Background tasks belong to a Scope: started by Spawn, a failure is logged, shutdown waits for them.

#include <memory>
#include <string>

#include "env/task.h"

namespace wellhead::env {

class Scope {
  public:
    Scope();
    // Every task must have ended: Close() was awaited, or Wait-free programs never spawned.
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

    // Asks every running task to stop (its pending waits end with operation_aborted). From any thread. Tasks spawned
    // later are asked at once.
    void Cancel();

    // Cancel, then returns when the last task has ended.
    Task<void> Close();

    size_t running() const;

  private:
    friend void Spawn(Scope&, Executor, std::string, Task<void>);
    struct State;
    std::shared_ptr<State> state_;
};

// Starts task on executor. The only way to start something in the background. Thread-safe. An exception that leaves
// the task is logged with its name; a cancelled task ends in silence.
void Spawn(Scope& scope, Executor executor, std::string name, Task<void> task);

}  // namespace wellhead::env
