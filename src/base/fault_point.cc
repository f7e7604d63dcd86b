#include "base/fault_point.h"

#include <atomic>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <string>

namespace wellhead::base {

namespace {

struct KillAt {
    std::string name;
    std::atomic<int> passings_left{1};

    KillAt() {
        const char* given = std::getenv("WELLHEAD_KILL_AT");
        if (given == nullptr) return;
        name = given;
        const size_t colon = name.rfind(':');
        if (colon == std::string::npos) return;
        int count = 1;
        std::from_chars(name.data() + colon + 1, name.data() + name.size(), count);
        passings_left = count;
        name.resize(colon);
    }
};

}  // namespace

void FaultPoint(std::string_view name) {
    static KillAt kill_at;
    if (kill_at.name.empty() || kill_at.name != name) return;
    if (kill_at.passings_left.fetch_sub(1) == 1) std::raise(SIGKILL);
}

}  // namespace wellhead::base
