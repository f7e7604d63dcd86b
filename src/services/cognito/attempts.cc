#include "services/cognito/attempts.h"

#include <algorithm>

namespace wellhead::services::cognito {

using namespace std::chrono_literals;

bool Attempts::LockedOut(const std::string& name, base::Tick now) const {
    std::lock_guard lock(mutex_);
    auto found = records_.find(name);
    return found != records_.end() && now < found->second.locked_until;
}

void Attempts::Failed(const std::string& name, base::Tick now) {
    std::lock_guard lock(mutex_);
    if (records_.size() >= kMaxNames && !records_.contains(name)) {
        std::erase_if(records_, [now](const auto& entry) { return now - entry.second.last > 15min; });
        // Still full: someone tries names by the thousand. Those that fail most stay.
        if (records_.size() >= kMaxNames) {
            std::erase_if(records_, [](const auto& entry) { return entry.second.failures < kFree; });
        }
        if (records_.size() >= kMaxNames) return;
    }
    Record& record = records_[name];
    if (now - record.last > 15min) record.failures = 0;
    record.last = now;
    ++record.failures;
    if (record.failures >= kFree) {
        int doublings = std::min(record.failures - kFree, 10);
        record.locked_until = now + std::min<base::Duration>(1s * (1 << doublings), 15min);
    }
}

void Attempts::Succeeded(const std::string& name) {
    std::lock_guard lock(mutex_);
    records_.erase(name);
}

}  // namespace wellhead::services::cognito
