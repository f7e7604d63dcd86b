#include "base/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <iterator>

namespace wellhead::base {

namespace {

std::string RenderLabels(const MetricLabels& labels) {
    std::string out;
    for (const auto& [name, value] : labels) {
        if (!out.empty()) out += ',';
        out += name + "=\"";
        for (char c : value) {
            if (c == '\\' || c == '"') out += '\\';
            if (c == '\n') {
                out += "\\n";
            } else {
                out += c;
            }
        }
        out += '"';
    }
    return out;
}

template <class Metric>
Metric& Get(std::map<std::string, std::unique_ptr<Metric>>& metrics, const MetricLabels& labels) {
    auto& metric = metrics[RenderLabels(labels)];
    if (!metric) metric = std::make_unique<Metric>();
    return *metric;
}

std::string InBraces(const std::string& labels) { return labels.empty() ? "" : "{" + labels + "}"; }

void RenderHistogram(std::string& out, const std::string& name, const std::string& labels,
                     const Histogram& histogram) {
    std::string comma = labels.empty() ? "" : ",";
    uint64_t total = 0;
    for (int bucket = 0; bucket < Histogram::kBuckets; ++bucket) {
        total += histogram.count(bucket);
        fmt::format_to(std::back_inserter(out), "{}_bucket{{{}{}le=\"{}\"}} {}\n", name, labels, comma,
                       static_cast<double>(Histogram::BoundUs(bucket)) / 1e6, total);
    }
    total += histogram.count(Histogram::kBuckets);
    fmt::format_to(std::back_inserter(out), "{0}_bucket{{{1}{2}le=\"+Inf\"}} {3}\n{0}_sum{4} {5}\n{0}_count{4} {3}\n",
                   name, labels, comma, total, InBraces(labels), static_cast<double>(histogram.sum_us()) / 1e6);
}

}  // namespace

void Histogram::Observe(uint64_t duration_us) {
    // The first bucket whose bound is not below the duration.
    int bucket = duration_us <= 16 ? 0 : static_cast<int>(std::bit_width((duration_us - 1) >> 4));
    counts_[std::min(bucket, kBuckets)].fetch_add(1, std::memory_order_relaxed);
    sum_us_.fetch_add(duration_us, std::memory_order_relaxed);
}

Metrics& Metrics::Global() {
    static Metrics metrics;
    return metrics;
}

Metrics::Family& Metrics::FindFamily(std::string_view name, std::string_view help) {
    auto found = families_.find(name);
    if (found == families_.end()) {
        found = families_.try_emplace(std::string(name)).first;
        found->second.help = help;
    }
    return found->second;
}

Counter& Metrics::GetCounter(std::string_view name, std::string_view help, MetricLabels labels) {
    std::lock_guard lock(mutex_);
    return Get(FindFamily(name, help).counters, labels);
}

Gauge& Metrics::GetGauge(std::string_view name, std::string_view help, MetricLabels labels) {
    std::lock_guard lock(mutex_);
    return Get(FindFamily(name, help).gauges, labels);
}

Histogram& Metrics::GetHistogram(std::string_view name, std::string_view help, MetricLabels labels) {
    std::lock_guard lock(mutex_);
    return Get(FindFamily(name, help).histograms, labels);
}

std::string Metrics::PrometheusText() const {
    std::lock_guard lock(mutex_);
    std::string out;
    auto to = std::back_inserter(out);
    for (const auto& [name, family] : families_) {
        std::string_view type = !family.counters.empty() ? "counter" : !family.gauges.empty() ? "gauge" : "histogram";
        fmt::format_to(to, "# HELP {} {}\n# TYPE {} {}\n", name, family.help, name, type);
        for (const auto& [labels, counter] : family.counters) {
            fmt::format_to(to, "{}{} {}\n", name, InBraces(labels), counter->value());
        }
        for (const auto& [labels, gauge] : family.gauges) {
            fmt::format_to(to, "{}{} {}\n", name, InBraces(labels), gauge->value());
        }
        for (const auto& [labels, histogram] : family.histograms) RenderHistogram(out, name, labels, *histogram);
    }
    return out;
}

}  // namespace wellhead::base
