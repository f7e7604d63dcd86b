#include "services/console/live_points.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <random>

namespace wellhead::services::console {
namespace {

const base::Instant kArrival = base::FromUnixMs(1'700'000'001'500);

TEST(Reading, AWellsMessageGivesBothMeasures) {
    auto reading = ParseReading(
        R"({"timestamp":1700000000.25,"well":"well-07","barrels_per_second":3.5,"reservoir_pressure_per_second":210})", "k",
        kArrival);
    ASSERT_TRUE(reading.has_value());
    EXPECT_EQ(reading->device, "well-07");
    EXPECT_EQ(reading->time_ms, 1'700'000'000'250);
    ASSERT_EQ(reading->measures.size(), 2u);
    EXPECT_EQ(reading->measures[0], std::pair(std::string("barrels_per_second"), 3.5));
}

TEST(Reading, OtherDevicesAreUnderstoodWithoutBeingNamed) {
    auto reading = ParseReading(R"({"ts":"2023-11-14T22:13:20.5+01:00","deviceId":17,"temp":-3})", "k", kArrival);
    ASSERT_TRUE(reading.has_value());
    EXPECT_EQ(reading->device, "17");
    EXPECT_EQ(reading->time_ms, 1'699'996'400'500);
    reading = ParseReading(R"({"v":1})", "partition", kArrival);
    ASSERT_TRUE(reading.has_value());
    EXPECT_EQ(reading->device, "partition");
    EXPECT_EQ(reading->time_ms, 1'700'000'001'500);
}

TEST(Reading, TimesAreToldApartByTheirSize) {
    EXPECT_EQ(TimeFromNumber(1.7e9), 1'700'000'000'000);
    EXPECT_EQ(TimeFromNumber(1.7e12), 1'700'000'000'000);
    EXPECT_EQ(TimeFromNumber(1.7e15), 1'700'000'000'000);
    EXPECT_FALSE(TimeFromNumber(5).has_value());
    EXPECT_FALSE(TimeFromNumber(-1e300).has_value());
    EXPECT_EQ(TimeFromText("2023-11-14T22:13:20Z"), 1'700'000'000'000);
    EXPECT_EQ(TimeFromText("2023-11-14 22:13:20"), 1'700'000'000'000);
    for (const char* bad : {"", "2023", "2023-13-01T00:00:00", "2023-02-30T00:00:00", "2023-11-14T25:00", "x"}) {
        EXPECT_FALSE(TimeFromText(bad).has_value()) << bad;
    }
}

TEST(Reading, WhatIsNoReadingIsPassedOver) {
    for (const char* other : {"", "[1]", "{", "null", R"({"a":"b"})", R"({"timestamp":1700000000,"well":"w"})"}) {
        EXPECT_FALSE(ParseReading(other, "k", kArrival).has_value()) << other;
    }
    std::string deep(5000, '[');
    EXPECT_FALSE(ParseReading(deep, "k", kArrival).has_value());
    std::mt19937 random(11);
    std::string valid = R"({"timestamp":1700000000.25,"well":"well-07","a":3.5,"b":{"c":[1,2]}})";
    for (int i = 0; i < 5000; ++i) {
        std::string text = valid;
        for (int n = 0; n < 3; ++n) text[random() % text.size()] = static_cast<char>(random());
        ParseReading(text, "k", kArrival);
    }
}

TEST(Frame, HoldsItsReadingsFlatWithNullsForWhatIsMissing) {
    FrameWriter frame("s\"1");
    frame.Add({"a", 1000, {{"x", 1.5}}}, base::FromUnixMs(5), true);
    frame.Add({"b", 2000, {{"y", 1e300 * 1e300}, {"x", -2}}}, base::FromUnixMs(4), false);
    auto value = boost::json::parse(frame.Take());
    EXPECT_EQ(value, boost::json::parse(
                         R"({"t":"d","s":"s\"1","d":["a","b"],"m":["x","y"],"r":[0,1000,1.5,null,1,2000,-2,null],"a":5.0,"n":1})"));
    EXPECT_TRUE(frame.empty());
}

}  // namespace
}  // namespace wellhead::services::console
