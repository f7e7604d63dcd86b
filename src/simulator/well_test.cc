#include "simulator/well.h"

#include <gtest/gtest.h>

#include <cmath>

namespace wellhead::simulator {
namespace {

TEST(Well, TheSameSeedGivesTheSameReadings) {
    Well a({.seed = 7, .outlier_probability = 0.1});
    Well b({.seed = 7, .outlier_probability = 0.1});
    Well other({.seed = 8, .outlier_probability = 0.1});
    bool differs = false;
    for (int i = 0; i < 1000; ++i) {
        Reading x = a.Next(1);
        Reading y = b.Next(1);
        EXPECT_EQ(x.barrels_per_second, y.barrels_per_second);
        EXPECT_EQ(x.reservoir_pressure, y.reservoir_pressure);
        differs |= x.barrels_per_second != other.Next(1).barrels_per_second;
    }
    EXPECT_TRUE(differs);
}

TEST(Well, PressureAndFlowDeclineTogether) {
    Well well({.seed = 3});
    auto mean = [&well](int count) {
        Reading sum;
        for (int i = 0; i < count; ++i) {
            Reading reading = well.Next(60);
            sum.barrels_per_second += reading.barrels_per_second / count;
            sum.reservoir_pressure += reading.reservoir_pressure / count;
        }
        return sum;
    };
    Reading early = mean(5000);
    mean(200'000);
    Reading late = mean(5000);
    EXPECT_LT(late.reservoir_pressure, early.reservoir_pressure);
    EXPECT_LT(late.barrels_per_second, early.barrels_per_second);
    EXPECT_GT(late.barrels_per_second, 0);
}

TEST(Well, OutliersComeWithTheGivenProbabilityAndOnlyThen) {
    Well calm({.seed = 5});
    Well wild({.seed = 5, .outlier_probability = 0.02});
    int outliers = 0;
    for (int i = 0; i < 20'000; ++i) {
        EXPECT_FALSE(calm.Next(1).outlier);
        outliers += wild.Next(1).outlier;
    }
    EXPECT_NEAR(outliers, 400, 100);
}

TEST(Well, ReadingsAreFiniteAndNotNegative) {
    Well well({.seed = 11, .outlier_probability = 0.5});
    for (int i = 0; i < 10'000; ++i) {
        Reading reading = well.Next(3600);
        EXPECT_TRUE(std::isfinite(reading.barrels_per_second) && reading.barrels_per_second >= 0);
        EXPECT_TRUE(std::isfinite(reading.reservoir_pressure) && reading.reservoir_pressure > 0);
    }
}

}  // namespace
}  // namespace wellhead::simulator
