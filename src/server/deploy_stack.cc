#include "server/deploy_stack.h"

#include <fmt/format.h>

#include <algorithm>
#include <ranges>
#include <set>

#include "apis/cloudformation/client.h"
#include "env/deadline.h"
#include "pipeline/template.h"
#include "server/running_server.h"

namespace wellhead::server {

namespace {

namespace wire = apis::cloudformation;
using api::Outcome;
using std::unexpected;

constexpr auto kLook = std::chrono::milliseconds(100);

// Follows one stack through its API.
class Follower {
  public:
    Follower(wire::CloudformationApi& api, api::CallContext context, std::string name)
        : api_(api), context_(std::move(context)), name_(std::move(name)) {}

    // Null when there is none.
    env::Task<Outcome<std::optional<wire::Stack>>> Look(std::string name_or_id) {
        wire::DescribeStacksInput input;
        input.StackName = std::move(name_or_id);
        auto described = co_await api_.DescribeStacks(context_, std::move(input));
        if (!described && described.error().code == "ValidationError") co_return std::optional<wire::Stack>();
        if (!described) co_return unexpected(described.error());
        co_return std::move(described->Stacks->front());
    }

    // Events so far are passed over.
    env::Task<Outcome<void>> SkipEvents() {
        auto events = co_await NewEvents(name_);
        // A stack that is not there has none.
        if (!events && events.error().code != "ValidationError") co_return unexpected(events.error());
        co_return Outcome<void>();
    }

    // Shows what happens until the stack is at rest. The stack as it then is.
    env::Task<Outcome<wire::Stack>> ToRest(std::string id) {
        for (;;) {
            auto stack = co_await Look(id);
            if (!stack) co_return unexpected(stack.error());
            if (!*stack) co_return unexpected(api::ServiceError{"ValidationError", "the stack is gone", 400, {}});
            auto events = co_await NewEvents(id);
            if (!events) co_return unexpected(events.error());
            for (const auto& event : *events | std::views::reverse) Show(event);
            if (!(*stack)->StackStatus.ends_with("_IN_PROGRESS") || (*stack)->StackStatus == "REVIEW_IN_PROGRESS") {
                co_return std::move(**stack);
            }
            co_await env::Sleep(kLook);
        }
    }

  private:
    // Newest first.
    env::Task<Outcome<std::vector<wire::StackEvent>>> NewEvents(std::string id) {
        std::vector<wire::StackEvent> fresh;
        wire::DescribeStackEventsInput input;
        input.StackName = std::move(id);
        for (;;) {
            auto page = co_await api_.DescribeStackEvents(context_, input);
            if (!page) co_return unexpected(page.error());
            bool met = false;
            for (auto& event : *page->StackEvents) {
                met = met || !seen_.insert(event.EventId).second;
                if (!met) fresh.push_back(std::move(event));
            }
            if (met || !page->NextToken) co_return fresh;
            input.NextToken = page->NextToken;
        }
    }

    static void Show(const wire::StackEvent& event) {
        std::string status = event.ResourceStatus.value_or("");
        if (status.ends_with("_IN_PROGRESS")) return;
        bool failed = status.find("FAILED") != std::string::npos || status.find("ROLLBACK") != std::string::npos;
        std::string reason = event.ResourceStatusReason.value_or("");
        fmt::print(stderr, "  {} {:<24} {:<38} {}{}{}\n", failed ? "✗" : "✓", event.LogicalResourceId.value_or(""),
                   event.ResourceType.value_or(""), status, reason.empty() ? "" : ": ", reason);
    }

    wire::CloudformationApi& api_;
    const api::CallContext context_;
    const std::string name_;
    std::set<std::string> seen_;
};

// A stack in these states can only be deleted; nothing of it is in use.
bool IsRuin(const std::string& status) {
    return status == "ROLLBACK_COMPLETE" || status == "ROLLBACK_FAILED" || status == "DELETE_FAILED" ||
           status == "CREATE_FAILED" || status == "REVIEW_IN_PROGRESS";
}

env::Task<Outcome<std::vector<wire::Parameter>>> ParametersFor(wire::CloudformationApi& api, api::CallContext context,
                                                               std::string text,
                                                               std::map<std::string, std::string> given,
                                                               std::optional<wire::Stack> before) {
    std::vector<wire::Parameter> parameters;
    for (const auto& [name, value] : given) {
        wire::Parameter parameter;
        parameter.ParameterKey = name;
        parameter.ParameterValue = value;
        parameters.push_back(std::move(parameter));
    }
    if (!before || !before->Parameters) co_return parameters;
    wire::GetTemplateSummaryInput input;
    input.TemplateBody = std::move(text);
    auto summary = co_await api.GetTemplateSummary(context, std::move(input));
    if (!summary) co_return unexpected(summary.error());
    for (const auto& old : *before->Parameters) {
        auto same = [&](const wire::ParameterDeclaration& declared) { return declared.ParameterKey == old.ParameterKey; };
        if (given.contains(*old.ParameterKey) || std::ranges::none_of(*summary->Parameters, same)) continue;
        wire::Parameter parameter;
        parameter.ParameterKey = old.ParameterKey;
        parameter.UsePreviousValue = true;
        parameters.push_back(std::move(parameter));
    }
    co_return parameters;
}

// The user deploys a file of his own: what it asks for in IAM is meant.
std::vector<std::string> AllCapabilities() {
    return {std::string(wire::Capability::kCapabilityIam), std::string(wire::Capability::kCapabilityNamedIam)};
}

}  // namespace

std::string StackNameOf(const DeployOptions& options) {
    if (!options.stack_name.empty()) return options.stack_name;
    std::string name = options.template_path.substr(options.template_path.find_last_of('/') + 1);
    name = name.substr(0, name.find('.'));
    std::ranges::replace_if(name, [](unsigned char c) { return std::isalnum(c) == 0; }, '-');
    return name;
}

env::Task<Outcome<void>> DeployStack(wire::CloudformationApi& api, api::CallContext context, std::string name,
                                     std::string template_text, std::map<std::string, std::string> parameters) {
    Follower follower(api, context, name);
    auto skipped = co_await follower.SkipEvents();
    if (!skipped) co_return skipped;
    auto before = co_await follower.Look(name);
    if (!before) co_return unexpected(before.error());
    if (*before && (*before)->StackStatus.ends_with("_IN_PROGRESS")) {
        // Left over from a stop, or somebody else's.
        auto rest = co_await follower.ToRest(*(*before)->StackId);
        if (!rest) co_return unexpected(rest.error());
        *before = std::move(*rest);
    }
    if (*before && IsRuin((*before)->StackStatus)) {
        fmt::print(stderr, "  the stack {} is in {}: it is removed and made anew\n", name, (*before)->StackStatus);
        wire::DeleteStackInput input;
        input.StackName = name;
        auto deleted = co_await api.DeleteStack(context, std::move(input));
        if (!deleted) co_return unexpected(deleted.error());
        auto rest = co_await follower.ToRest(*(*before)->StackId);
        if (!rest) co_return unexpected(rest.error());
        *before = std::move(*rest);
    }
    if (*before && (*before)->StackStatus == "DELETE_COMPLETE") before->reset();

    auto wanted = co_await ParametersFor(api, context, template_text, std::move(parameters), *before);
    if (!wanted) co_return unexpected(wanted.error());
    std::string id;
    if (*before) {
        wire::UpdateStackInput input;
        input.StackName = name;
        input.TemplateBody = std::move(template_text);
        input.Parameters = std::move(*wanted);
        input.Capabilities = AllCapabilities();
        auto updated = co_await api.UpdateStack(context, std::move(input));
        if (!updated && updated.error().message == "No updates are to be performed.") {
            fmt::print(stderr, "  the stack {} stands as it is\n", name);
            co_return Outcome<void>();
        }
        if (!updated) co_return unexpected(updated.error());
        id = updated->StackId.value_or(name);
    } else {
        wire::CreateStackInput input;
        input.StackName = name;
        input.TemplateBody = std::move(template_text);
        input.Parameters = std::move(*wanted);
        input.Capabilities = AllCapabilities();
        auto created = co_await api.CreateStack(context, std::move(input));
        if (!created) co_return unexpected(created.error());
        id = created->StackId.value_or(name);
    }
    auto rest = co_await follower.ToRest(std::move(id));
    if (!rest) co_return unexpected(rest.error());
    if (rest->StackStatus == "CREATE_COMPLETE" || rest->StackStatus == "UPDATE_COMPLETE") co_return Outcome<void>();
    co_return unexpected(
        api::ServiceError{"ValidationError", rest->StackStatusReason.value_or(rest->StackStatus), 400, {}});
}

namespace {

env::Task<int> DeployHere(RunningServer& server, DeployOptions options) {
    auto text = env::ReadWholeFile(server.files(), options.template_path, pipeline::kTemplateSizeLimit);
    if (!text) {
        fmt::print(stderr, "wellhead: {}\n", text.error().message);
        co_return 1;
    }
    auto api = wire::MakeClient(server.transport(), server.endpoints().region);
    std::string name = StackNameOf(options);
    fmt::print(stderr, "{} -> stack {}\n", options.template_path, name);
    auto deployed =
        co_await DeployStack(*api, server.Context(), name, std::move(*text), std::move(options.parameters));
    if (deployed) co_return 0;
    fmt::print(stderr, "wellhead: {}\n", deployed.error().message);
    co_return 1;
}

}  // namespace

int RunDeploy(const DeployOptions& options, const std::string& data_dir) {
    auto server = RunningServer::Find(data_dir);
    if (!server) {
        fmt::print(stderr, "wellhead: {}\n", server.error().message);
        return 1;
    }
    return (*server)->Run(DeployHere(**server, options));
}

}  // namespace wellhead::server
