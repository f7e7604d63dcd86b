#pragma once
// Schedules as AWS writes them: cron(Minutes Hours Day-of-month Month Day-of-week Year), UTC.

#include <array>
#include <bitset>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace wellhead::services::glue {

class CronSchedule {
  public:
    // kInvalidArgument. Understood in each field: * ? n a-b a,b */n a/n, names of months and days; not L, W and #.
    static base::Result<CronSchedule> Parse(std::string_view expression);
    // In the minute of time.
    bool Matches(base::Instant time) const;

  private:
    std::bitset<60> minutes_;
    std::bitset<24> hours_;
    std::bitset<32> days_;
    std::bitset<13> months_;
    std::bitset<8> weekdays_;  // 1 is Sunday
    std::bitset<230> years_;   // from 1970
};

}  // namespace wellhead::services::glue
