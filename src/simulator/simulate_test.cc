#include "simulator/simulate.h"

#include <gtest/gtest.h>

namespace wellhead::simulator {
namespace {

TEST(Simulate, WritesAReadingAsTheLakeExpectsIt) {
    EXPECT_EQ(TelemetryJson("well-07", 1'700'000'000'005, 1.25, 210.5),
              R"({"timestamp": 1700000000.005, "well": "well-07", "barrels_per_second": 1.2500, )"
              R"("reservoir_pressure_per_second": 210.5000})");
}

}  // namespace
}  // namespace wellhead::simulator
