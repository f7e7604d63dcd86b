#pragma once
// The console's listener, as one list: whose request it is, then what it asks for.

#include "services/console/live_feed.h"
#include "services/console/metric_samples.h"
#include "services/console/resources.h"
#include "services/console/sessions.h"

namespace wellhead::services::console {

class Site final : public net::HttpHandler {
  public:
    Site(Apis apis, Dependencies dependencies, Settings settings, LoginClient client, std::span<const PageFile> page);

    env::Task<net::HttpResponse> Handle(net::HttpRequest& request) override;

    // A request names one of our addresses, as its host and, where it says one, as its origin.
    bool Addressed(const net::HttpRequest& request) const;

    void SetOrigins(std::vector<std::string> origins);
    std::vector<std::string> Origins() const;

  private:
    env::Task<net::HttpResponse> Route(net::HttpRequest& request);
    net::HttpResponse BeginLogin(const net::HttpRequest& request);
    env::Task<net::HttpResponse> FinishLogin(const net::HttpRequest& request);
    env::Task<net::HttpResponse> SignOut(const net::HttpRequest& request);
    env::Task<net::HttpResponse> ServeApi(net::HttpRequest& request, SignedIn who);
    env::Task<JsonOutcome> Resource(std::string path, ResourceCall call);
    net::HttpResponse ServeLive(const net::HttpRequest& request);
    net::HttpResponse ServePage(const net::HttpRequest& request);
    env::Task<json::value> PipelineNow(ResourceCall call);
    std::string OriginOf(const net::HttpRequest& request) const;

    Apis apis_;
    Dependencies deps_;
    Settings settings_;
    std::span<const PageFile> page_;
    Sessions sessions_;
    LiveFeed live_;
    MetricSamples metrics_;
    mutable std::mutex mutex_;
    std::vector<std::string> origins_;
};

}  // namespace wellhead::services::console
