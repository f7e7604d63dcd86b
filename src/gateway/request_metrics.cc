#include "gateway/request_metrics.h"

#include <array>
#include <map>
#include <string>

#include "base/metrics.h"
#include "gateway/gateway.h"

namespace wellhead::gateway {

namespace {

struct ServiceMetrics {
    explicit ServiceMetrics(const std::string& service)
        : duration(base::Metrics::Global().GetHistogram("wellhead_request_duration_seconds",
                                                        "From the request's head to the answer's.",
                                                        {{"service", service}})) {
        for (size_t i = 0; i < by_class.size(); ++i) {
            by_class[i] = &base::Metrics::Global().GetCounter(
                "wellhead_requests_total", "Requests by service and class of status.",
                {{"service", service}, {"status", std::to_string(i + 1) + "xx"}});
        }
    }
    std::array<base::Counter*, 5> by_class;
    base::Histogram& duration;
};

class MetricsPage final : public net::HttpHandler {
  public:
    env::Task<net::HttpResponse> Handle(net::HttpRequest&) override {
        net::HttpResponse response;
        response.headers.Add("content-type", "text/plain; version=0.0.4; charset=utf-8");
        response.body = base::Metrics::Global().PrometheusText();
        co_return response;
    }
};

}  // namespace

void CountRequest(std::string_view service, int status, uint64_t duration_us) {
    static thread_local std::map<std::string, ServiceMetrics, std::less<>> known;
    auto found = known.find(service);
    if (found == known.end()) found = known.emplace(std::string(service), ServiceMetrics(std::string(service))).first;
    if (status >= 100 && status < 600) found->second.by_class[static_cast<size_t>(status / 100 - 1)]->Add();
    found->second.duration.Observe(duration_us);
}

std::unique_ptr<net::HttpHandler> MakeMetricsHandler() { return std::make_unique<MetricsPage>(); }

}  // namespace wellhead::gateway
