#pragma once
// A member that is JSON of any shape.

#include <boost/json/value.hpp>

namespace wellhead::api {
using Document = boost::json::value;
}
