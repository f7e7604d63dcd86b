#include "services/iot/permissions.h"

#include <algorithm>

namespace wellhead::services::iot {

PermissionSet::PermissionSet(const std::vector<std::shared_ptr<const PolicyDocument>>& documents,
                             const PolicyContext& context, std::string_view arn_prefix)
    : connect_("iot:Connect", std::string(arn_prefix) + "client/"),
      publish_("iot:Publish", std::string(arn_prefix) + "topic/"),
      retain_publish_("iot:RetainPublish", std::string(arn_prefix) + "topic/"),
      subscribe_("iot:Subscribe", std::string(arn_prefix) + "topicfilter/"),
      receive_("iot:Receive", std::string(arn_prefix) + "topic/") {
    for (const auto& document : documents) {
        for (const PolicyStatement& statement : document->statements) {
            if (!statement.ConditionsHold(context)) continue;
            std::vector<Glob> resources;
            for (const PolicyText& resource : statement.resources) {
                auto glob = resource.Resolve(context);
                if (glob) resources.push_back(std::move(*glob));
            }
            for (Grants* grants : {&connect_, &publish_, &retain_publish_, &subscribe_, &receive_}) {
                grants->Add(statement, resources);
            }
        }
    }
}

PermissionSet::Grants::Grants(std::string_view action, std::string resource_prefix)
    : action_(action), prefix_(std::move(resource_prefix)) {}

void PermissionSet::Grants::Add(const PolicyStatement& statement, const std::vector<Glob>& resources) {
    if (!statement.HasAction(action_)) return;
    Patterns& patterns = statement.allow ? allow_ : deny_;
    for (const Glob& resource : resources) {
        if (auto rest = resource.Without(prefix_)) {
            patterns.names.push_back(std::move(*rest));
        } else if (resource.MayBeginWith(prefix_)) {
            patterns.whole.push_back(resource);
        }
    }
}

bool PermissionSet::Grants::Permits(std::string_view name) const {
    return allow_.Match(prefix_, name) && !deny_.Match(prefix_, name);
}

bool PermissionSet::Grants::Patterns::Match(std::string_view prefix, std::string_view name) const {
    return std::any_of(names.begin(), names.end(), [&](const Glob& glob) { return glob.Matches(name); }) ||
           std::any_of(whole.begin(), whole.end(), [&](const Glob& glob) { return glob.Matches(prefix, name); });
}

}  // namespace wellhead::services::iot
