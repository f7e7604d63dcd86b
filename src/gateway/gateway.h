#pragma once
// The way of a request to a service and back. Everything it does is listed in Handle() of gateway.cc, in order.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "api/credentials.h"
#include "api/wire.h"
#include "base/metrics.h"
#include "env/clock.h"
#include "env/random.h"
#include "gateway/authenticate.h"
#include "gateway/body_budget.h"
#include "gateway/routing.h"
#include "net/http.h"

namespace wellhead::gateway {

struct GatewayOptions {
    std::string account_id;
    std::string region;
    // The name clients reach this server by, for virtual-host style buckets; empty: only localhost.
    std::string endpoint_host;
    // Of a request that is not streamed; also the memory one request may take.
    uint64_t max_body_bytes = 16 << 20;
    // Of all those at once; above it requests are asked to come again.
    uint64_t max_bodies_bytes = 512 << 20;
};

// A plain HTTP handler that is no AWS service.
struct Route {
    std::string name;  // for metrics
    std::function<bool(const net::HttpRequest&)> matches;
    net::HttpHandler* handler = nullptr;  // outlives the gateway
    // Set: the request has to carry an AWS signature for this service, which is verified, and the handler finds the key
    // in signed_access_key_id. Empty: requests with an AWS signature go past this route.
    std::string signed_for;
};

// "/health" matches "/health" and "/health/x", not "/healthy".
std::function<bool(const net::HttpRequest&)> PathPrefix(std::string prefix);
std::function<bool(const net::HttpRequest&)> PathSuffix(std::string suffix);
// By the host's name without port, as in "login.example".
std::function<bool(const net::HttpRequest&)> HostSuffix(std::string suffix);

class Gateway final : public net::HttpHandler {
  public:
    // keys, clock and random outlive it.
    Gateway(GatewayOptions options, const api::CredentialStore& keys, env::Clock& clock, env::Random& random);

    // Before the first request. The service outlives the gateway.
    void AddService(api::Service& service);
    // In order: the first that matches takes the request.
    void AddRoute(Route route);

    env::Task<net::HttpResponse> Handle(net::HttpRequest& request) override;

  private:
    struct Call;
    env::Task<net::HttpResponse> ServePreflight(net::HttpRequest& request, Call& call);
    env::Task<net::HttpResponse> ServeRoute(const Route& route, net::HttpRequest& request, Call& call);
    env::Task<net::HttpResponse> ServeService(net::HttpRequest& request, Call& call);
    env::Task<net::HttpResponse> ServeStreamed(net::HttpRequest& request, api::WireRequest wire, Call& call);
    env::Task<net::HttpResponse> ServeBuffered(net::HttpRequest& request, api::WireRequest wire, Call& call);
    env::Task<net::HttpResponse> CallService(net::HttpRequest& request, api::WireRequest wire, Call& call);
    net::HttpResponse Refuse(const api::WireRequest& wire, Call& call, const api::SigV4Refusal& refusal);
    net::HttpResponse Refuse(const api::WireRequest& wire, Call& call, const api::ServiceError& error);
    const Route* FindRoute(const net::HttpRequest& request, const Call& call) const;
    api::CallContext MakeContext(const net::HttpRequest& request, const Call& call) const;
    void Finish(const net::HttpRequest& request, Call& call, net::HttpResponse& response);

    const GatewayOptions options_;
    const Authenticator authenticator_;
    env::Clock& clock_;
    env::Random& random_;
    ServiceTable services_;
    std::vector<Route> routes_;
    BodyBudget budget_;
};

// Serves all metrics as Prometheus text.
std::unique_ptr<net::HttpHandler> MakeMetricsHandler();

}  // namespace wellhead::gateway
