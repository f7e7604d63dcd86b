#pragma once
// A template onto a Wellhead through its CloudFormation API: this process's own (`wellhead up`) or a running one's
// (`wellhead deploy`).

#include <map>
#include <string>

#include "apis/cloudformation/api.h"
#include "server/options.h"

namespace wellhead::server {

std::string StackNameOf(const DeployOptions& options);

// Creates or updates the stack and follows it to its end, each step a line on standard error. Parameters that are not
// given keep the values they had. The error says what went wrong and where. When cancelled, the deployment goes on without
// its follower.
env::Task<api::Outcome<void>> DeployStack(apis::cloudformation::CloudformationApi& api, api::CallContext context,
                                          std::string name, std::string template_text,
                                          std::map<std::string, std::string> parameters);

// wellhead deploy. The exit status: 0 when the stack stands, 1 otherwise.
int RunDeploy(const DeployOptions& options, const std::string& data_dir);

}  // namespace wellhead::server
