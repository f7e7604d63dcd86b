#include "base/metrics.h"

#include <gtest/gtest.h>

namespace wellhead::base {
namespace {

TEST(Metrics, TheSameNameAndLabelsGiveTheSameCounter) {
    Metrics metrics;
    metrics.GetCounter("a_total", "A.", {{"x", "1"}}).Add(2);
    metrics.GetCounter("a_total", "A.", {{"x", "1"}}).Add();
    metrics.GetCounter("a_total", "A.", {{"x", "2\"\n"}}).Add(7);
    metrics.GetGauge("b", "B.").Set(-4);
    EXPECT_EQ(metrics.PrometheusText(),
              "# HELP a_total A.\n# TYPE a_total counter\na_total{x=\"1\"} 3\na_total{x=\"2\\\"\\n\"} 7\n"
              "# HELP b B.\n# TYPE b gauge\nb -4\n");
}

TEST(Metrics, AHistogramCountsIntoTheFirstBucketThatHolds) {
    Metrics metrics;
    Histogram& histogram = metrics.GetHistogram("h_seconds", "H.");
    histogram.Observe(16);
    histogram.Observe(17);
    histogram.Observe(1'000'000'000);
    EXPECT_EQ(histogram.count(0), 1u);
    EXPECT_EQ(histogram.count(1), 1u);
    EXPECT_EQ(histogram.count(Histogram::kBuckets), 1u);
    std::string text = metrics.PrometheusText();
    EXPECT_NE(text.find("h_seconds_bucket{le=\"+Inf\"} 3\n"), std::string::npos);
    EXPECT_NE(text.find("h_seconds_count 3\n"), std::string::npos);
}

}  // namespace
}  // namespace wellhead::base
