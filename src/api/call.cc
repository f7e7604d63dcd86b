#include "api/call.h"

#include <fmt/format.h>

namespace wellhead::api {

env::Task<Outcome<void>> InvokeOr(Invoker* invoker, const Operation& operation, const CallContext& context,
                                  void* input, void* output) {
    if (invoker == nullptr) {
        ServiceError error;
        error.code = "UnknownOperationException";
        error.message = fmt::format("Operation {} is not served.", operation.name);
        co_return std::unexpected(std::move(error));
    }
    co_return co_await invoker->Invoke(operation, context, input, output);
}

env::Task<Outcome<boost::json::value>> Service::Invoke(CallContext, std::string operation, boost::json::object) {
    ServiceError error;
    error.code = "UnknownOperationException";
    error.message = fmt::format("Operation {} is not served by name.", operation);
    co_return std::unexpected(std::move(error));
}

}  // namespace wellhead::api
