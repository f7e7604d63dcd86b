#include "server/service_caller.h"

#include <fmt/format.h>

#include "pipeline/resource_provider.h"

namespace wellhead::server {

env::Task<api::Outcome<boost::json::value>> ServiceCaller::Call(api::CallContext context, std::string_view service,
                                                                std::string_view operation,
                                                                boost::json::object input) {
    std::string name(operation);
    for (const auto& candidate : services_) {
        if (candidate->signing_name() != service) continue;
        co_return co_await candidate->Invoke(std::move(context), std::move(name), std::move(input));
    }
    co_return std::unexpected(pipeline::ValidationError(fmt::format("the service {} is not served", service)));
}

}  // namespace wellhead::server
