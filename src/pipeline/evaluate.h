#pragma once
// Intrinsic functions and conditions of a template, evaluated against what is known so far.

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <map>
#include <set>
#include <string>

#include "base/result.h"
#include "pipeline/template.h"

namespace wellhead::pipeline {

// What stands for a created resource: what Ref and Fn::GetAtt give.
struct ResourceValues {
    std::string physical_id;
    std::map<std::string, std::string> attributes;  // "Arn" -> "arn:aws:..."
};

struct EvaluationScope {
    const Template* source = nullptr;
    std::map<std::string, boost::json::value> parameters;  // pseudo parameters ("AWS::Region") too
    std::map<std::string, ResourceValues> resources;
    const std::map<std::string, std::string>* exports = nullptr;  // what Fn::ImportValue finds; outlives the scope
    std::set<std::string>* imported = nullptr;                    // gets the names that it found
    // For a preview: resources that are not there yet have the value kKnownLater, instead of being an error.
    bool known_later = false;
};

inline constexpr const char* kKnownLater = "{{changeSet:KNOWN_AFTER_APPLY}}";

// A string as it is, anything else as JSON.
std::string ScalarText(const boost::json::value& value);

// Given parameters checked against the template's (allowed values, missing ones), with defaults filled in.
// kInvalidArgument names the parameter.
base::Result<std::map<std::string, boost::json::value>> ResolveParameters(
    const Template& parsed, const std::map<std::string, std::string>& given);

// value with every function replaced by its result; members that are AWS::NoValue are gone. kInvalidArgument names the
// function and what is wrong with it.
base::Result<boost::json::value> Evaluate(const boost::json::value& value,
                                          const EvaluationScope& scope);

base::Result<bool> EvaluateCondition(const std::string& name, const EvaluationScope& scope);

}  // namespace wellhead::pipeline
