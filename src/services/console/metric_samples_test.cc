#include "services/console/metric_samples.h"

#include <gtest/gtest.h>

namespace wellhead::services::console {
namespace {

using namespace std::chrono_literals;

TEST(MetricSamples, LabelsOfOneNameAreSummed) {
    auto values = ParseMetrics("# HELP a A.\n# TYPE a counter\na{x=\"1 2\"} 3\na{x=\"b\"} 4.5\nb 1e3\nnonsense\n\nc x\n");
    EXPECT_EQ(values["a"], 7.5);
    EXPECT_EQ(values["b"], 1000);
    EXPECT_EQ(values.size(), 2u);
}

TEST(MetricSamples, ARateIsTheDifferenceOverTheTime) {
    MetricSamples samples;
    base::Tick t{};
    EXPECT_TRUE(samples.Due(t));
    samples.Take(t, {{"a", 10}});
    EXPECT_FALSE(samples.Rate("a").has_value());
    EXPECT_FALSE(samples.Due(t + 500ms));
    samples.Take(t + 2s, {{"a", 30}, {"new", 4}});
    EXPECT_EQ(samples.Rate("a"), 10);
    EXPECT_EQ(samples.Rate("new"), 2);
    EXPECT_EQ(samples.Value("a"), 30);
    EXPECT_FALSE(samples.Rate("none").has_value());
    samples.Take(t + 100s, {{"a", 40}});
    EXPECT_FALSE(samples.Rate("a").has_value());
}

}  // namespace
}  // namespace wellhead::services::console
