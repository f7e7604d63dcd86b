#pragma once
// Generated structs as the metadata table keeps them: JSON by the model's member names.

#include <boost/json/parse.hpp>
#include <string>
#include <vector>

#include "api/json_shape.h"
#include "base/result.h"

namespace wellhead::api {

template <class T>
std::string ToStored(const T& value, const Structure& structure) {
    std::string out;
    WriteJsonByName(structure, &value, out);
    return out;
}

// kCorrupt.
template <class T>
base::Result<T> FromStored(std::string_view text, const Structure& structure) {
    boost::system::error_code error;
    const boost::json::value json = boost::json::parse(text, error);
    if (error || !json.is_object()) return base::Fail(base::ErrorCode::kCorrupt, "a stored value is not JSON");
    T value;
    std::vector<std::string> missing;
    if (auto read = ReadJsonByName(json.get_object(), structure, &value, missing); !read) {
        return base::Fail(base::ErrorCode::kCorrupt, read.error().message);
    }
    return value;
}

}  // namespace wellhead::api
