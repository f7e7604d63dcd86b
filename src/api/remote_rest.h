#pragma once
// Remote clients of the REST protocols.

#include <memory>

#include "api/call.h"

namespace wellhead::api {

std::unique_ptr<Invoker> MakeRestInvoker(const Model& model, Transport& transport);

}  // namespace wellhead::api
