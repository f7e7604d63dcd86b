#pragma once
// Actions of rules between the API's form and the JSON that is kept.

#include <boost/json/value.hpp>

#include "api/service.h"
#include "apis/iot/types.h"

namespace wellhead::services::iot {

// InvalidRequestException for an action that is not served, naming it.
api::Outcome<boost::json::value> ActionToJson(const apis::iot::Action& action);
apis::iot::Action ActionFromJson(const boost::json::value& value);

}  // namespace wellhead::services::iot
