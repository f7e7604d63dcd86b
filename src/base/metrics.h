#pragma once
// Counters, gauges and histograms, and their Prometheus text (exposition format 0.0.4). A metric is found once, where
// an object is made, and then used without locks:
//     base::Counter& accepted = base::Metrics::Global().GetCounter("wellhead_records_total", "Records accepted.",
//                                                                  {{"service", "kinesis"}});
//     accepted.Add();

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wellhead::base {

// All methods thread-safe and lock-free.
class Counter {
  public:
    void Add(uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
    uint64_t value() const { return value_.load(std::memory_order_relaxed); }

  private:
    alignas(64) std::atomic<uint64_t> value_{0};
};

class Gauge {
  public:
    void Set(int64_t value) { value_.store(value, std::memory_order_relaxed); }
    void Add(int64_t n) { value_.fetch_add(n, std::memory_order_relaxed); }
    int64_t value() const { return value_.load(std::memory_order_relaxed); }

  private:
    alignas(64) std::atomic<int64_t> value_{0};
};

// Durations, in buckets of powers of two from 16 us to about 67 s.
class Histogram {
  public:
    static constexpr int kBuckets = 23;
    void Observe(uint64_t duration_us);
    // The upper bound of a bucket, in microseconds.
    static uint64_t BoundUs(int bucket) { return uint64_t{16} << bucket; }
    uint64_t count(int bucket) const { return counts_[bucket].load(std::memory_order_relaxed); }
    uint64_t sum_us() const { return sum_us_.load(std::memory_order_relaxed); }

  private:
    std::atomic<uint64_t> counts_[kBuckets + 1] = {};
    std::atomic<uint64_t> sum_us_{0};
};

using MetricLabels = std::vector<std::pair<std::string, std::string>>;

// Getting is thread-safe; what was got lives as long as the registry. Names: [a-z_]+, with the unit last; durations end
// in "_seconds". The same name and labels give the same metric.
class Metrics {
  public:
    static Metrics& Global();
    Counter& GetCounter(std::string_view name, std::string_view help, MetricLabels labels = {});
    Gauge& GetGauge(std::string_view name, std::string_view help, MetricLabels labels = {});
    Histogram& GetHistogram(std::string_view name, std::string_view help, MetricLabels labels = {});
    std::string PrometheusText() const;

  private:
    struct Family {
        std::string help;
        std::map<std::string, std::unique_ptr<Counter>> counters;  // by rendered labels
        std::map<std::string, std::unique_ptr<Gauge>> gauges;
        std::map<std::string, std::unique_ptr<Histogram>> histograms;
    };
    Family& FindFamily(std::string_view name, std::string_view help);

    mutable std::mutex mutex_;
    std::map<std::string, Family, std::less<>> families_;
};

}  // namespace wellhead::base
