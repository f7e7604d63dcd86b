#pragma once
// Whether an input keeps what its model demands: required members, lengths, ranges, patterns, enumerations.

#include <optional>
#include <string>
#include <vector>

#include "api/shape.h"

namespace wellhead::api {

// The first few breaches, each in AWS's words; empty when all holds. strict_enums: an unknown value of an enumeration is
// a breach. missing: paths of required members that the codec did not find; what is held plain has no other sign of it.
std::vector<std::string> Validate(const Structure& structure, const void* value, bool strict_enums,
                                  const std::vector<std::string>& missing = {});

// "2 validation errors detected: ...; ..."
std::string ValidationMessage(const std::vector<std::string>& breaches);

}  // namespace wellhead::api
