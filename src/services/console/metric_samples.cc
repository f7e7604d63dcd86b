#include "services/console/metric_samples.h"

#include <algorithm>
#include <cstdlib>

namespace wellhead::services::console {

using namespace std::chrono_literals;

namespace {
constexpr auto kSpacing = 1s;
constexpr size_t kKept = 6;
}  // namespace

MetricValues ParseMetrics(std::string_view text) {
    MetricValues values;
    while (!text.empty()) {
        size_t end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.empty() || line.front() == '#') continue;
        std::string_view name = line.substr(0, line.find_first_of("{ "));
        // A label's value may hold blanks: the number is behind the last one.
        size_t blank = line.rfind(' ');
        if (name.empty() || blank == line.npos) continue;
        std::string number(line.substr(blank + 1));
        char* parsed = nullptr;
        double value = std::strtod(number.c_str(), &parsed);
        if (parsed == number.c_str()) continue;
        values[std::string(name)] += value;
    }
    return values;
}

bool MetricSamples::Due(base::Tick now) const {
    std::lock_guard lock(mutex_);
    return samples_.empty() || now - samples_.back().at >= kSpacing;
}

void MetricSamples::Take(base::Tick now, MetricValues values) {
    std::lock_guard lock(mutex_);
    if (!samples_.empty() && now - samples_.back().at < kSpacing) return;
    // Nobody asked for a while: an average over that time would be no rate of now.
    if (!samples_.empty() && now - samples_.back().at > 10s) samples_.clear();
    samples_.push_back({now, std::move(values)});
    if (samples_.size() > kKept) samples_.pop_front();
}

std::optional<double> MetricSamples::Value(std::string_view name) const {
    std::lock_guard lock(mutex_);
    if (samples_.empty()) return std::nullopt;
    auto found = samples_.back().values.find(name);
    if (found == samples_.back().values.end()) return std::nullopt;
    return found->second;
}

std::optional<double> MetricSamples::Rate(std::string_view name) const {
    std::lock_guard lock(mutex_);
    if (samples_.size() < 2) return std::nullopt;
    auto last = samples_.back().values.find(name);
    if (last == samples_.back().values.end()) return std::nullopt;
    auto first = samples_.front().values.find(name);
    double before = first == samples_.front().values.end() ? 0 : first->second;
    double seconds = std::chrono::duration<double>(samples_.back().at - samples_.front().at).count();
    return std::max(0.0, (last->second - before) / seconds);
}

}  // namespace wellhead::services::console
