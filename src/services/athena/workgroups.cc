// Workgroups and their tags.
#include <fmt/format.h>

#include <algorithm>

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
constexpr const char* kTags = "athena/tags";
constexpr size_t kMostTags = 50;

api::ServiceError NoGroup(const std::string& name) { return errors::InvalidRequestException(fmt::format("WorkGroup {} is not found.", name)); }

Outcome<void> CheckConfiguration(const wire::WorkGroupConfiguration& configuration) {
    if (configuration.ResultConfiguration && configuration.ResultConfiguration->OutputLocation) {
        const std::string& location = *configuration.ResultConfiguration->OutputLocation;
        if (!location.starts_with("s3://") || !ParseS3(location)) return unexpected(errors::InvalidRequestException("outputLocation is not a valid S3 path."));
    }
    const auto& managed = configuration.ManagedQueryResultsConfiguration;
    if (managed && managed->Enabled) return unexpected(errors::InvalidRequestException("ManagedQueryResultsConfiguration is not served: give an OutputLocation."));
    return {};
}

wire::EngineVersion Effective(const std::optional<wire::EngineVersion>& asked) {
    wire::EngineVersion version;
    version.SelectedEngineVersion = asked && asked->SelectedEngineVersion ? *asked->SelectedEngineVersion : std::string("AUTO");
    version.EffectiveEngineVersion = "Athena engine version 3";
    return version;
}

// A group's tags as the table keeps them: ListTagsForResource's own answer.
std::string Stored(const std::vector<wire::Tag>& tags) {
    wire::ListTagsForResourceOutput kept;
    kept.Tags = tags;
    return api::ToStored(kept, wire::shapes::ListTagsForResourceOutput_structure);
}

}  // namespace

std::optional<wire::WorkGroup> AthenaService::FindGroup(const std::string& name) const {
    const std::lock_guard lock(mutex_);
    const auto found = groups_.find(name);
    if (found == groups_.end()) return std::nullopt;
    return found->second;
}

env::Task<base::Result<void>> AthenaService::PutGroup(wire::WorkGroup group, std::optional<std::vector<wire::Tag>> tags) {
    storage::TableBatch batch;
    batch.Put(kGroups, group.Name, api::ToStored(group, wire::shapes::WorkGroup_structure));
    if (tags) batch.Put(kTags, fmt::format("arn:aws:athena:{}:{}:workgroup/{}", settings_.region, settings_.account_id, group.Name), Stored(*tags));
    CO_RETURN_IF_ERROR(co_await deps_.table.Commit(std::move(batch)));
    const std::lock_guard lock(mutex_);
    groups_[group.Name] = std::move(group);
    co_return base::Result<void>{};
}

env::Task<Outcome<wire::CreateWorkGroupOutput>> AthenaService::CreateWorkGroup(const CallContext&, wire::CreateWorkGroupInput input) {
    if (FindGroup(input.Name)) co_return unexpected(errors::InvalidRequestException("WorkGroup is already created"));
    wire::WorkGroup group;
    group.Name = input.Name;
    group.State = wire::WorkGroupState::kEnabled;
    group.Description = std::move(input.Description);
    group.Configuration = input.Configuration.value_or(wire::WorkGroupConfiguration{});
    if (auto checked = CheckConfiguration(*group.Configuration); !checked) co_return unexpected(checked.error());
    if (!group.Configuration->EnforceWorkGroupConfiguration) group.Configuration->EnforceWorkGroupConfiguration = true;
    if (!group.Configuration->PublishCloudWatchMetricsEnabled) group.Configuration->PublishCloudWatchMetricsEnabled = false;
    if (!group.Configuration->RequesterPaysEnabled) group.Configuration->RequesterPaysEnabled = false;
    group.Configuration->EngineVersion = Effective(group.Configuration->EngineVersion);
    group.CreationTime = deps_.clock.Now();
    auto saved = co_await PutGroup(std::move(group), std::move(input.Tags));
    if (!saved) co_return unexpected(errors::InternalServerException(saved.error().message));
    co_return wire::CreateWorkGroupOutput{};
}

env::Task<Outcome<wire::GetWorkGroupOutput>> AthenaService::GetWorkGroup(const CallContext&, wire::GetWorkGroupInput input) {
    auto group = FindGroup(input.WorkGroup);
    if (!group) co_return unexpected(NoGroup(input.WorkGroup));
    wire::GetWorkGroupOutput output;
    output.WorkGroup = std::move(*group);
    co_return output;
}

env::Task<Outcome<wire::ListWorkGroupsOutput>> AthenaService::ListWorkGroups(const CallContext&, wire::ListWorkGroupsInput input) {
    wire::ListWorkGroupsOutput output;
    output.WorkGroups.emplace();
    const size_t most = static_cast<size_t>(std::clamp(input.MaxResults.value_or(50), 1, 50));
    const std::lock_guard lock(mutex_);
    for (auto at = groups_.upper_bound(input.NextToken.value_or("")); at != groups_.end(); ++at) {
        if (output.WorkGroups->size() == most) {
            output.NextToken = output.WorkGroups->back().Name;
            break;
        }
        wire::WorkGroupSummary summary;
        summary.Name = at->first;
        summary.State = at->second.State;
        summary.Description = at->second.Description;
        summary.CreationTime = at->second.CreationTime;
        summary.EngineVersion = Effective(at->second.Configuration ? at->second.Configuration->EngineVersion : std::nullopt);
        output.WorkGroups->push_back(std::move(summary));
    }
    co_return output;
}

env::Task<Outcome<wire::UpdateWorkGroupOutput>> AthenaService::UpdateWorkGroup(const CallContext&, wire::UpdateWorkGroupInput input) {
    auto group = FindGroup(input.WorkGroup);
    if (!group) co_return unexpected(NoGroup(input.WorkGroup));
    if (input.Description) group->Description = std::move(input.Description);
    if (input.State) group->State = std::move(input.State);
    if (input.ConfigurationUpdates) {
        const wire::WorkGroupConfigurationUpdates& updates = *input.ConfigurationUpdates;
        if (!group->Configuration) group->Configuration.emplace();
        wire::WorkGroupConfiguration& configuration = *group->Configuration;
        const auto take = [](auto& to, const auto& from) {
            if (from) to = from;
        };
        take(configuration.EnforceWorkGroupConfiguration, updates.EnforceWorkGroupConfiguration);
        take(configuration.PublishCloudWatchMetricsEnabled, updates.PublishCloudWatchMetricsEnabled);
        take(configuration.RequesterPaysEnabled, updates.RequesterPaysEnabled);
        take(configuration.BytesScannedCutoffPerQuery, updates.BytesScannedCutoffPerQuery);
        if (updates.RemoveBytesScannedCutoffPerQuery.value_or(false)) configuration.BytesScannedCutoffPerQuery.reset();
        if (updates.EngineVersion) configuration.EngineVersion = Effective(updates.EngineVersion);
        take(configuration.ExecutionRole, updates.ExecutionRole);
        take(configuration.AdditionalConfiguration, updates.AdditionalConfiguration);
        if (updates.ResultConfigurationUpdates) {
            const wire::ResultConfigurationUpdates& results = *updates.ResultConfigurationUpdates;
            if (!configuration.ResultConfiguration) configuration.ResultConfiguration.emplace();
            wire::ResultConfiguration& kept = *configuration.ResultConfiguration;
            take(kept.OutputLocation, results.OutputLocation);
            take(kept.EncryptionConfiguration, results.EncryptionConfiguration);
            take(kept.ExpectedBucketOwner, results.ExpectedBucketOwner);
            take(kept.AclConfiguration, results.AclConfiguration);
            if (results.RemoveOutputLocation.value_or(false)) kept.OutputLocation.reset();
            if (results.RemoveEncryptionConfiguration.value_or(false)) kept.EncryptionConfiguration.reset();
            if (results.RemoveExpectedBucketOwner.value_or(false)) kept.ExpectedBucketOwner.reset();
            if (results.RemoveAclConfiguration.value_or(false)) kept.AclConfiguration.reset();
        }
        if (auto checked = CheckConfiguration(configuration); !checked) co_return unexpected(checked.error());
    }
    auto saved = co_await PutGroup(std::move(*group), std::nullopt);
    if (!saved) co_return unexpected(errors::InternalServerException(saved.error().message));
    co_return wire::UpdateWorkGroupOutput{};
}

env::Task<Outcome<wire::DeleteWorkGroupOutput>> AthenaService::DeleteWorkGroup(const CallContext&, wire::DeleteWorkGroupInput input) {
    if (input.WorkGroup == "primary") co_return unexpected(errors::InvalidRequestException("The primary workgroup cannot be deleted."));
    if (!FindGroup(input.WorkGroup)) co_return unexpected(NoGroup(input.WorkGroup));
    std::vector<std::string> queries;
    std::vector<StatementKey> statements;
    bool busy = false;
    {
        const std::lock_guard lock(mutex_);
        for (const auto& [id, query] : named_) {
            if (query.WorkGroup == input.WorkGroup) queries.push_back(id);
        }
        for (const auto& [key, statement] : prepared_) {
            if (key.first == input.WorkGroup) statements.push_back(key);
        }
        busy = std::any_of(executions_.begin(), executions_.end(), [&](const auto& entry) { return entry.second->shown.WorkGroup == input.WorkGroup; });
    }
    if (!input.RecursiveDeleteOption.value_or(false) && (busy || !queries.empty() || !statements.empty())) {
        co_return unexpected(errors::InvalidRequestException(fmt::format("WorkGroup {} is not empty", input.WorkGroup)));
    }
    for (const std::string& id : queries) {
        wire::DeleteNamedQueryInput gone;
        gone.NamedQueryId = id;
        CallContext nobody;
        auto deleted = co_await DeleteNamedQuery(nobody, std::move(gone));
        if (!deleted) co_return unexpected(deleted.error());
    }
    for (const StatementKey& key : statements) {
        auto deleted = co_await DeletePrepared(key);
        if (!deleted) co_return unexpected(errors::InternalServerException(deleted.error().message));
    }
    storage::TableBatch batch;
    batch.Delete(kGroups, input.WorkGroup).Delete(kTags, fmt::format("arn:aws:athena:{}:{}:workgroup/{}", settings_.region, settings_.account_id, input.WorkGroup));
    auto saved = co_await deps_.table.Commit(std::move(batch));
    if (!saved) co_return unexpected(errors::InternalServerException(saved.error().message));
    const std::lock_guard lock(mutex_);
    groups_.erase(input.WorkGroup);
    co_return wire::DeleteWorkGroupOutput{};
}

env::Task<Outcome<wire::ListEngineVersionsOutput>> AthenaService::ListEngineVersions(const CallContext&, wire::ListEngineVersionsInput) {
    wire::ListEngineVersionsOutput output;
    output.EngineVersions.emplace().push_back(Effective(std::nullopt));
    wire::EngineVersion three;
    three.SelectedEngineVersion = three.EffectiveEngineVersion = "Athena engine version 3";
    output.EngineVersions->push_back(std::move(three));
    co_return output;
}

Outcome<std::string> AthenaService::KnownArn(const std::string& arn) const {
    const std::string prefix = fmt::format("arn:aws:athena:{}:{}:", settings_.region, settings_.account_id);
    const std::string resource = arn.starts_with(prefix) ? arn.substr(prefix.size()) : "";
    if (resource.starts_with("workgroup/") && FindGroup(resource.substr(10))) return arn;
    if (resource == "datacatalog/AwsDataCatalog") return arn;
    return unexpected(errors::ResourceNotFoundException(fmt::format("Resource {} was not found", arn)));
}

env::Task<Outcome<wire::ListTagsForResourceOutput>> AthenaService::ListTagsForResource(const CallContext&, wire::ListTagsForResourceInput input) {
    auto arn = KnownArn(input.ResourceARN);
    if (!arn) co_return unexpected(arn.error());
    wire::ListTagsForResourceOutput output;
    output.Tags.emplace();
    auto kept = co_await deps_.table.Get(kTags, *arn);
    if (!kept) co_return unexpected(errors::InternalServerException(kept.error().message));
    if (!*kept) co_return output;
    auto read = api::FromStored<wire::ListTagsForResourceOutput>(**kept, wire::shapes::ListTagsForResourceOutput_structure);
    if (!read) co_return unexpected(errors::InternalServerException(read.error().message));
    co_return std::move(*read);
}

env::Task<Outcome<wire::TagResourceOutput>> AthenaService::TagResource(const CallContext& context, wire::TagResourceInput input) {
    wire::ListTagsForResourceInput list;
    list.ResourceARN = input.ResourceARN;
    auto kept = co_await ListTagsForResource(context, std::move(list));
    if (!kept) co_return unexpected(kept.error());
    std::vector<wire::Tag>& tags = *kept->Tags;
    for (wire::Tag& tag : input.Tags) {
        std::erase_if(tags, [&](const wire::Tag& other) { return other.Key == tag.Key; });
        tags.push_back(std::move(tag));
    }
    if (tags.size() > kMostTags) co_return unexpected(errors::InvalidRequestException("More than 50 tags."));
    storage::TableBatch batch;
    batch.Put(kTags, input.ResourceARN, Stored(tags));
    auto saved = co_await deps_.table.Commit(std::move(batch));
    if (!saved) co_return unexpected(errors::InternalServerException(saved.error().message));
    co_return wire::TagResourceOutput{};
}

env::Task<Outcome<wire::UntagResourceOutput>> AthenaService::UntagResource(const CallContext& context, wire::UntagResourceInput input) {
    wire::ListTagsForResourceInput list;
    list.ResourceARN = input.ResourceARN;
    auto kept = co_await ListTagsForResource(context, std::move(list));
    if (!kept) co_return unexpected(kept.error());
    std::erase_if(*kept->Tags, [&](const wire::Tag& tag) { return std::find(input.TagKeys.begin(), input.TagKeys.end(), tag.Key.value_or("")) != input.TagKeys.end(); });
    storage::TableBatch batch;
    batch.Put(kTags, input.ResourceARN, Stored(*kept->Tags));
    auto saved = co_await deps_.table.Commit(std::move(batch));
    if (!saved) co_return unexpected(errors::InternalServerException(saved.error().message));
    co_return wire::UntagResourceOutput{};
}

}  // namespace wellhead::services::athena
