#pragma once
// Remote clients of the query protocol.

#include <memory>

#include "api/call.h"

namespace wellhead::api {

std::unique_ptr<Invoker> MakeQueryInvoker(const Model& model, Transport& transport);

}  // namespace wellhead::api
