#pragma once
// For tests: a structure with a member of every kind, as the generator would write it.

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "api/shape_ops.h"
#include "api/standard_shapes.h"
#include "api/values.h"

#pragma GCC diagnostic ignored "-Winvalid-offsetof"

namespace wellhead::api {

struct Reading {
    std::string Well{};
    std::optional<double> Pressure{};
    std::optional<Blob> Raw{};
    std::optional<Timestamp> At{};
    std::optional<std::vector<std::string>> Tags{};
    std::optional<std::map<std::string, int64_t>> Counts{};
};

inline constexpr Constraint kShort{.min = 1, .max = 8};
inline constexpr Shape kName{.kind = Kind::kString, .constrained = true, .constraint = &kShort};
inline constexpr ListType kTagList{.element = &kName, .element_name = "member", .ops = &kListOps<std::string>};
inline constexpr Shape kTags{.kind = Kind::kList, .constrained = true, .list = &kTagList};
inline constexpr MapType kCountMap{.key = &shapes::kString, .value = &shapes::kLong, .key_name = "key", .value_name = "value",
                            .ops = &kMapOps<int64_t>};
inline constexpr Shape kCounts{.kind = Kind::kMap, .map = &kCountMap};
inline constexpr Member kMembers[] = {
    {.name = "Well", .wire = "Well", .shape = &kName, .offset = offsetof(Reading, Well), .required = true},
    {.name = "Pressure", .wire = "Pressure", .shape = &shapes::kDouble, .offset = offsetof(Reading, Pressure),
     .hold = &kOptional<double>},
    {.name = "Raw", .wire = "Raw", .shape = &shapes::kBlob, .offset = offsetof(Reading, Raw), .hold = &kOptional<Blob>},
    {.name = "At", .wire = "At", .shape = &shapes::kTimestamp, .offset = offsetof(Reading, At),
     .hold = &kOptional<Timestamp>},
    {.name = "Tags", .wire = "Tags", .shape = &kTags, .offset = offsetof(Reading, Tags),
     .hold = &kOptional<std::vector<std::string>>},
    {.name = "Counts", .wire = "Counts", .shape = &kCounts, .offset = offsetof(Reading, Counts),
     .hold = &kOptional<std::map<std::string, int64_t>>},
};
inline constexpr Structure kReading{.name = "Reading", .members = kMembers, .has_body = true, .create = CreateValue<Reading>,
                             .destroy = DestroyValue<Reading>};

}  // namespace wellhead::api
