#pragma once
// Calls of the generated APIs by name, within this process.

#include <memory>
#include <vector>

#include "api/wire.h"
#include "pipeline/api_caller.h"

namespace wellhead::server {

class ServiceCaller final : public pipeline::ApiCaller {
  public:
    // services outlives it, and is complete before the first call.
    explicit ServiceCaller(const std::vector<std::unique_ptr<api::Service>>& services) : services_(services) {}
    env::Task<api::Outcome<boost::json::value>> Call(api::CallContext context, std::string_view service,
                                                     std::string_view operation,
                                                     boost::json::object input) override;

  private:
    const std::vector<std::unique_ptr<api::Service>>& services_;
};

}  // namespace wellhead::server
