#pragma once
// Counters of the whole program as rates: samples of the metrics' text, and the difference between two of them.

#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "base/time.h"

namespace wellhead::services::console {

// Values by metric name, summed over their labels.
using MetricValues = std::map<std::string, double, std::less<>>;

// Prometheus text (exposition format 0.0.4); lines that are no samples are passed over.
MetricValues ParseMetrics(std::string_view text);

// Thread-safe.
class MetricSamples {
  public:
    // Keeps a sample, unless the last one is younger than a second.
    void Take(base::Tick now, MetricValues values);
    // Wants a new sample: the last one is a second old.
    bool Due(base::Tick now) const;
    // Per second over the last samples, about five seconds; nothing when the metric is not known or seen only once.
    std::optional<double> Rate(std::string_view name) const;
    std::optional<double> Value(std::string_view name) const;

  private:
    struct Sample {
        base::Tick at;
        MetricValues values;
    };
    mutable std::mutex mutex_;
    std::deque<Sample> samples_;
};

}  // namespace wellhead::services::console
