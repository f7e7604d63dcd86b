#pragma once
// A CloudFormation template as values: read from YAML or JSON, short forms (!Ref, !Sub, ...) spelled out.
// (AWS CloudFormation User Guide, "Template anatomy"; format version 2010-09-09.)

#include <boost/json/value.hpp>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace wellhead::pipeline {

struct TemplateParameter {
    std::string type;                  // "String", "Number", "CommaDelimitedList", ...
    boost::json::value default_value;  // null when there is none
    std::vector<std::string> allowed_values;
    bool no_echo = false;
    std::string description;
    std::string constraint_description;
    std::optional<std::string> allowed_pattern;
    std::optional<double> min_length, max_length, min_value, max_value;
};

struct TemplateResource {
    std::string logical_id;
    std::string type;  // "AWS::Kinesis::Stream"
    boost::json::object properties;
    std::string condition;
    std::vector<std::string> depends_on;
    std::string deletion_policy = "Delete";  // or "Retain", "RetainExceptOnCreate"
    std::string replace_policy = "Delete";   // or "Retain": of what an update replaces
};

struct TemplateOutput {
    boost::json::value value;
    std::string description;
    std::string condition;
    boost::json::value export_name;  // null: not exported
    friend bool operator==(const TemplateOutput&, const TemplateOutput&) = default;
};

struct Template {
    std::string version;  // "2010-09-09" or empty
    std::string description;
    boost::json::value metadata;
    std::map<std::string, TemplateParameter> parameters;
    boost::json::object mappings;
    boost::json::object conditions;
    std::vector<TemplateResource> resources;  // in the order of the text
    std::map<std::string, TemplateOutput> outputs;

    const TemplateResource* Find(std::string_view logical_id) const;
};

inline constexpr size_t kTemplateSizeLimit = 1 << 20;  // AWS: 1 MB from S3
inline constexpr size_t kResourceLimit = 500;          // AWS's quotas; so are those below
inline constexpr size_t kSectionLimit = 200;           // parameters, outputs, mappings
inline constexpr size_t kParameterValueLimit = 4096;

// kInvalidArgument with the line or the path in the template that is wrong. Sections and resource attributes that are
// not served are refused by name.
base::Result<Template> ParseTemplate(std::string_view text);

// Logical ids that value refers to by Ref, Fn::GetAtt or Fn::Sub, without pseudo parameters.
std::set<std::string> ReferencesOf(const boost::json::value& value);

// Resources so that each comes after what it needs (references, DependsOn); otherwise in the order of the text.
// kInvalidArgument names an unknown reference or a circle.
base::Result<std::vector<std::string>> OrderOfCreation(const Template& parsed);

}  // namespace wellhead::pipeline
