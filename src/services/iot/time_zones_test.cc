#include "services/iot/time_zones.h"

#include <gtest/gtest.h>

#include <random>

namespace wellhead::services::iot {
namespace {

std::string Number(uint64_t value, int width) {
    std::string text;
    for (int i = width - 1; i >= 0; --i) text.push_back(static_cast<char>(value >> (8 * i)));
    return text;
}

// One change, at second 1000, from offset 0 to one hour.
std::string ZoneFile() {
    std::string header = "TZif2" + std::string(15, '\0');
    std::string empty = header + Number(0, 4) + Number(0, 4) + Number(0, 4) + Number(0, 4) + Number(1, 4) + Number(1, 4);
    std::string file = empty + Number(0, 4) + std::string(2, '\0') + std::string(1, '\0');
    file += header + Number(0, 4) + Number(0, 4) + Number(0, 4) + Number(1, 4) + Number(2, 4) + Number(1, 4);
    file += Number(1000, 8) + Number(1, 1);
    file += Number(0, 4) + std::string(2, '\0') + Number(3600, 4) + std::string(2, '\0') + std::string(1, '\0');
    return file;
}

TEST(TimeZone, ChangesItsOffset) {
    auto zone = TimeZone::Parse(ZoneFile());
    ASSERT_TRUE(zone) << zone.error().message;
    EXPECT_EQ(zone->OffsetAt(base::FromUnixMs(999'999)), 0);
    EXPECT_EQ(zone->OffsetAt(base::FromUnixMs(1'000'000)), 3600);
}

TEST(TimeZone, RefusesDamagedFiles) {
    std::string file = ZoneFile();
    for (size_t size = 0; size < file.size() - 1; ++size) {
        EXPECT_FALSE(TimeZone::Parse(std::string_view(file).substr(0, size))) << size;
    }
    std::mt19937 random(1);
    for (int round = 0; round < 3000; ++round) {
        std::string damaged = file;
        damaged[random() % damaged.size()] = static_cast<char>(random());
        (void)TimeZone::Parse(damaged);
    }
}

}  // namespace
}  // namespace wellhead::services::iot
