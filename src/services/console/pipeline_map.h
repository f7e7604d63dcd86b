#pragma once
// The pipeline as the overview page draws it: the stages there are, and what passes between them now.

#include "services/console/metric_samples.h"
#include "services/console/resources.h"

namespace wellhead::services::console {

// What only the console knows.
struct ConsoleFigures {
    size_t viewers = 0;
    std::optional<double> live_rate;
    uint64_t live_records = 0;
    std::string mqtt_endpoint;
};

// A service that fails makes its stage show the failure; the map itself always comes.
env::Task<json::value> DescribePipeline(const ResourceCall& call, const MetricSamples& metrics,
                                        ConsoleFigures figures);

}  // namespace wellhead::services::console
