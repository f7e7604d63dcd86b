#pragma once
// Failed sign-ins per user: after five, each further one locks the name out for twice as long, from one second to
// fifteen minutes. A try during a lockout is refused unread and does not lengthen it, as Cognito does it.

#include <mutex>
#include <string>
#include <unordered_map>

#include "base/time.h"

namespace wellhead::services::cognito {

// Thread-safe.
class Attempts {
  public:
    bool LockedOut(const std::string& name, base::Tick now) const;
    void Failed(const std::string& name, base::Tick now);
    void Succeeded(const std::string& name);

  private:
    static constexpr int kFree = 5;
    static constexpr size_t kMaxNames = 20'000;
    struct Record {
        int failures = 0;
        base::Tick locked_until{};
        base::Tick last{};
    };
    mutable std::mutex mutex_;
    std::unordered_map<std::string, Record> records_;
};

}  // namespace wellhead::services::cognito
