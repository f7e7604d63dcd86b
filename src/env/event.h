#pragma once
// Event: tasks of one executor wait until it is set. For "there is more to do", not for data.

#include <boost/asio/steady_timer.hpp>

#include "env/task.h"

namespace wellhead::env {

// Used on its home executor only. Set() wakes every waiter and stays set until Reset().
class Event {
  public:
    explicit Event(Executor home);
    void Set();
    void Reset() { set_ = false; }
    bool is_set() const { return set_; }
    // Returns when set; at once if it already is.
    Task<void> Wait();

  private:
    boost::asio::steady_timer timer_;
    bool set_ = false;
};

}  // namespace wellhead::env
