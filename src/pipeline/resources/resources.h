#pragma once
// The resource types that templates may name, each made by calls of its service's API.
// (AWS CloudFormation Template Reference; property names are its own.)

#include "pipeline/api_caller.h"
#include "pipeline/resource_provider.h"

namespace wellhead::pipeline {

// caller must outlive what is returned.
ResourceProviders MakeResourceProviders(ApiCaller& caller);

}  // namespace wellhead::pipeline
