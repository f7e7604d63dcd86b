#pragma once
// Intrinsic functions and conditions of a template, evaluated against what is known so far.

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <map>
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
};

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
