#pragma once
// Values of generated structs from JSON and to it, by their shapes.

#include <boost/json/value.hpp>
#include <string>
#include <vector>

#include "api/shape.h"
#include "base/result.h"

namespace wellhead::api {

// Fills value, a T of shape. Unknown members are passed over, null is an absent member. kInvalidArgument: a value of the
// wrong kind, with its path. missing: the paths of required members of the body that were absent are added.
base::Result<void> ReadJson(const boost::json::value& json, const Shape& shape, void* value, const std::string& path,
                            std::vector<std::string>& missing);
// The members that the body carries.
base::Result<void> ReadJsonMembers(const boost::json::object& json, const Structure& structure, void* value,
                                   const std::string& path, std::vector<std::string>& missing);

void WriteJson(const Shape& shape, const void* value, std::string& out);
// An object of the members that the body carries; absent ones are left out.
void WriteJsonMembers(const Structure& structure, const void* value, std::string& out);

// For callers inside the program: every member by its name in the model, wherever the protocol carries it. Scalars may be
// quoted or not, as in templates.
base::Result<void> ReadJsonByName(const boost::json::object& json, const Structure& structure, void* value,
                                  std::vector<std::string>& missing);
void WriteJsonByName(const Structure& structure, const void* value, std::string& out);

void WriteJsonString(std::string_view text, std::string& out);

}  // namespace wellhead::api
