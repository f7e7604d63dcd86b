#include <fmt/format.h>

#include "api/stored.h"
#include "apis/athena/errors.h"
#include "apis/athena/shapes.h"
#include "services/athena/athena_service.h"

namespace wellhead::services::athena {

using api::CallContext;
using api::Outcome;
using std::unexpected;
namespace errors = apis::athena;

namespace {
constexpr const char* kGroups = "athena/workgroups";
}

env::Task<Outcome<wire::CreateWorkGroupOutput>> AthenaService::CreateWorkGroup(const CallContext&, wire::CreateWorkGroupInput input) {
    if (FindGroup(input.Name)) co_return unexpected(errors::InvalidRequestException("WorkGroup is already created"));
    wire::WorkGroup group;
    group.Name = input.Name;
    group.State = wire::WorkGroupState::kEnabled;
    group.Description = std::move(input.Description);
    group.Configuration = input.Configuration.value_or(wire::WorkGroupConfiguration{});
    if (!group.Configuration->EnforceWorkGroupConfiguration) group.Configuration->EnforceWorkGroupConfiguration = true;
    group.Configuration->EngineVersion.emplace().SelectedEngineVersion = "AUTO";
    group.Configuration->EngineVersion->EffectiveEngineVersion = "Athena engine version 3";
    group.CreationTime = deps_.clock.Now();
    storage::TableBatch batch;
    batch.Put(kGroups, group.Name, api::ToStored(group, wire::shapes::WorkGroup_structure));
    auto saved = co_await deps_.table.Commit(std::move(batch));
    if (!saved) co_return unexpected(errors::InternalServerException(saved.error().message));
    const std::lock_guard lock(mutex_);
    groups_[input.Name] = std::move(group);
    co_return wire::CreateWorkGroupOutput{};
}

env::Task<Outcome<wire::GetWorkGroupOutput>> AthenaService::GetWorkGroup(const CallContext&, wire::GetWorkGroupInput input) {
    auto group = FindGroup(input.WorkGroup);
    if (!group) co_return unexpected(errors::InvalidRequestException(fmt::format("WorkGroup {} is not found.", input.WorkGroup)));
    wire::GetWorkGroupOutput output;
    output.WorkGroup = std::move(*group);
    co_return output;
}

env::Task<Outcome<wire::ListWorkGroupsOutput>> AthenaService::ListWorkGroups(const CallContext&, wire::ListWorkGroupsInput) {
    wire::ListWorkGroupsOutput output;
    output.WorkGroups.emplace();
    const std::lock_guard lock(mutex_);
    for (const auto& [name, group] : groups_) {
        wire::WorkGroupSummary summary;
        summary.Name = name;
        summary.State = group.State;
        summary.Description = group.Description;
        summary.CreationTime = group.CreationTime;
        output.WorkGroups->push_back(std::move(summary));
    }
    co_return output;
}

env::Task<Outcome<wire::DeleteWorkGroupOutput>> AthenaService::DeleteWorkGroup(const CallContext&, wire::DeleteWorkGroupInput input) {
    if (input.WorkGroup == "primary") co_return unexpected(errors::InvalidRequestException("The primary workgroup cannot be deleted."));
    if (!FindGroup(input.WorkGroup)) co_return unexpected(errors::InvalidRequestException(fmt::format("WorkGroup {} is not found.", input.WorkGroup)));
    storage::TableBatch batch;
    batch.Delete(kGroups, input.WorkGroup);
    auto saved = co_await deps_.table.Commit(std::move(batch));
    if (!saved) co_return unexpected(errors::InternalServerException(saved.error().message));
    const std::lock_guard lock(mutex_);
    groups_.erase(input.WorkGroup);
    co_return wire::DeleteWorkGroupOutput{};
}

}  // namespace wellhead::services::athena
