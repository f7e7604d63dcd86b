#pragma once
// Which service a request is for.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/sigv4.h"
#include "api/wire.h"

namespace wellhead::gateway {

class ServiceTable {
  public:
    void Add(api::Service& service) { services_.push_back(&service); }

    // By the scope of its signature, X-Amz-Target, then path; null when there is none. Unsigned requests that fit
    // nothing else go to S3, whose paths are anything; a form goes to a service that would read it.
    api::Service* Find(const api::WireRequest& request, const std::optional<api::SignatureClaim>& claim) const;

  private:
    api::Service* BySigningName(std::string_view name, const api::WireRequest& request) const;
    std::vector<api::Service*> services_;
};

// The bucket in a virtual-host style authority: "bucket.s3.eu-west-1.example:80", "bucket.localhost:4566"; nothing in
// any other. endpoint_host: the name that clients use for this server.
std::optional<std::string> BucketOfHost(std::string_view authority, std::string_view endpoint_host);

}  // namespace wellhead::gateway
