#pragma once
// What CreateStack, UpdateStack and CreateChangeSet say in common of what a stack is to be.

#include <optional>
#include <string>
#include <vector>

#include "apis/cloudformation/types.h"

namespace wellhead::services::cloudformation {

struct WishRequest {
    std::optional<std::string> template_body;
    std::optional<std::string> template_url;
    bool previous_template = false;
    std::optional<std::vector<apis::cloudformation::Parameter>> parameters;
    std::optional<std::vector<apis::cloudformation::Tag>> tags;
    std::optional<std::vector<std::string>> capabilities;
};

template <class Input>
WishRequest RequestOf(const Input& input) {
    WishRequest request;
    request.template_body = input.TemplateBody;
    request.template_url = input.TemplateURL;
    if constexpr (requires { input.UsePreviousTemplate; }) {
        request.previous_template = input.UsePreviousTemplate.value_or(false);
    }
    request.parameters = input.Parameters;
    request.tags = input.Tags;
    request.capabilities = input.Capabilities;
    return request;
}

}  // namespace wellhead::services::cloudformation
