#pragma once
// How many requests of each service, how they ended, how long they took; and all metrics as a page.

#include <cstdint>
#include <string_view>

namespace wellhead::gateway {

void CountRequest(std::string_view service, int status, uint64_t duration_us);

}  // namespace wellhead::gateway
