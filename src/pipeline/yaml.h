#pragma once
// YAML 1.1 as CloudFormation uses it -> JSON values.

#include <boost/json/value.hpp>
#include <string_view>

#include "base/result.h"

namespace wellhead::pipeline {

// JSON is read as well (it is YAML). Plain scalars are typed, quoted ones are strings; "!GetAtt a.b" becomes
// {"Fn::GetAtt": ["a", "b"]} and so on. kInvalidArgument with line and column.
base::Result<boost::json::value> ParseYaml(std::string_view text);

}  // namespace wellhead::pipeline
