#pragma once
// What restJson and restXml have in common (Smithy, "HTTP bindings"): which operation a request names, and the members
// that travel in path, query, headers and status.

#include <string>
#include <utility>
#include <vector>

#include "api/shape.h"
#include "api/wire.h"
#include "base/result.h"

namespace wellhead::api {

struct RestMatch {
    const Operation* operation = nullptr;  // null: none of the model's
    size_t index = 0;                      // of the operation in its model
    std::string_view unserved;             // the name of one that is known but not served
    std::vector<std::pair<std::string_view, std::string>> labels;  // of the path, decoded once
};

// The operation whose path, literal query keys and required query and header members fit best. One of the unserved is
// preferred over an operation that fits less: a subresource that is not served never falls through to another operation.
RestMatch MatchRest(const Model& model, const WireRequest& request);

// Sets the members of an input that do not travel in the body. missing gets the paths of required members that are not
// there. kInvalidArgument with the member's name.
base::Result<void> ReadRestMembers(const Structure& input, const RestMatch& match, const WireRequest& request,
                                   void* value, std::vector<std::string>& missing);

// Adds the members of an output that do not travel in the body; sets the status where a member holds it.
void WriteRestMembers(const Structure& output, const void* value, WireResponse& response);

// Percent-decoded pairs in their order; "+" is a space.
std::vector<std::pair<std::string, std::string>> ParseQuery(std::string_view query);

}  // namespace wellhead::api
