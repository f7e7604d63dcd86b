#pragma once
// ResourceProvider: how one resource type of a template is made, changed and removed by API calls.

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "api/service.h"
#include "env/task.h"
#include "pipeline/evaluate.h"

namespace wellhead::pipeline {

struct ResourceRequest {
    api::CallContext context;
    std::string stack_name;
    std::string logical_id;
    std::string incarnation;  // of this resource, for names of its own
    boost::json::object properties;  // evaluated
};

// How a change of properties is carried out.
enum class Change { kInPlace, kReplacement };

// Thread-safe. Errors are what the called API answered, or a ValidationError that names the property; a property that
// is not served is refused by name. Each call may be repeated after a crash.
class ResourceProvider {
  public:
    virtual ~ResourceProvider() = default;

    // A failure leaves nothing behind.
    virtual env::Task<api::Outcome<ResourceValues>> Create(ResourceRequest request) = 0;

    // Takes over what an interrupted Create left behind, by the name in the properties; nothing when there is none.
    virtual env::Task<api::Outcome<std::optional<ResourceValues>>> Adopt(ResourceRequest request) = 0;

    virtual Change ChangeFor(const boost::json::object& before,
                             const boost::json::object& after) const = 0;

    // Only after ChangeFor said kInPlace. existing is what Create gave.
    virtual env::Task<api::Outcome<ResourceValues>> Update(ResourceRequest request,
                                                           ResourceValues existing) = 0;

    // A resource that is gone already is no error.
    virtual env::Task<api::Outcome<void>> Delete(ResourceRequest request, ResourceValues existing) = 0;
};

using ResourceProviders = std::map<std::string, std::unique_ptr<ResourceProvider>, std::less<>>;


api::ServiceError ValidationError(std::string message);

// Text of a property; nothing when absent. Numbers and booleans are written out (templates may quote or not).
std::optional<std::string> TextProperty(const boost::json::object& properties, std::string_view name);
std::optional<int64_t> IntegerProperty(const boost::json::object& properties, std::string_view name);
std::optional<bool> BoolProperty(const boost::json::object& properties, std::string_view name);

// The name that a resource without one gets, as CloudFormation makes it: stack-logicalid-suffix, in the alphabet and
// length its service allows. The same for the same incarnation.
std::string GeneratedName(const ResourceRequest& request, size_t limit, bool lower_case);

}  // namespace wellhead::pipeline
