#pragma once
// How resources reach the generated APIs: by service and operation, inputs and outputs as JSON with the model's names.

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <string_view>

#include "api/service.h"
#include "env/task.h"

namespace wellhead::pipeline {

// Thread-safe. The same validation and errors as a call over the wire. service is the signing name.
class ApiCaller {
  public:
    virtual ~ApiCaller() = default;
    virtual env::Task<api::Outcome<boost::json::value>> Call(api::CallContext context,
                                                             std::string_view service,
                                                             std::string_view operation,
                                                             boost::json::object input) = 0;
};

}  // namespace wellhead::pipeline
