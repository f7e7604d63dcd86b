// The life of an execution: started, run, saved, found again.
#include "services/athena/athena_service.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/stored.h"
#include "apis/athena/errors.h"
#include "apis/athena/shapes.h"
#include "base/log.h"
#include "base/metrics.h"
#include "services/athena/result_set.h"

namespace wellhead::services::athena {

using api::CallContext;
using api::Outcome;
using base::ErrorCode;
using base::Result;
using std::unexpected;
namespace errors = apis::athena;
namespace sa = sql::athena;

namespace {

constexpr const char* kExecutions = "athena/executions";
constexpr const char* kMetadata = "athena/result_metadata";
constexpr const char* kRuntime = "athena/runtime_statistics";
constexpr const char* kTokens = "athena/request_tokens";
constexpr const char* kGroups = "athena/workgroups";
constexpr size_t kKeptExecutions = 10000;

std::string Lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return out;
}

bool HasEnded(const wire::QueryExecution& shown) { return shown.Status->CompletionDateTime.has_value(); }

// https://docs.aws.amazon.com/athena/latest/ug/error-reference.html: 1 is the system's, 2 the user's; 3 other.
wire::AthenaError ErrorOf(const std::string& reason) {
    wire::AthenaError error;
    const bool system = reason.starts_with("GENERIC_INTERNAL");
    error.ErrorCategory = system ? 1 : 2;
    error.ErrorType = reason.starts_with("TABLE_NOT_FOUND") ? 1100 : reason.starts_with("SYNTAX_ERROR") || reason.starts_with("COLUMN_NOT_FOUND") ? 1006 : system ? 401 : 1006;
    error.Retryable = system;
    error.ErrorMessage = reason;
    return error;
}

int64_t Ms(base::Duration duration) { return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count(); }

}  // namespace

AthenaService::AthenaService(AthenaDependencies dependencies, AthenaSettings settings)
    : deps_(std::move(dependencies)), settings_(std::move(settings)), lake_(deps_.s3, deps_.objects, deps_.files, deps_.pool) {}
AthenaService::~AthenaService() = default;

env::Task<Result<std::unique_ptr<AthenaService>>> AthenaService::Open(AthenaDependencies dependencies, AthenaSettings settings) {
    std::unique_ptr<AthenaService> service(new AthenaService(std::move(dependencies), std::move(settings)));
    const auto prepare = [&service]() -> Result<void> {
        env::Files& files = service->deps_.files;
        const std::string& directory = service->settings_.work_directory;
        RETURN_IF_ERROR(RemoveTree(files, directory));
        return files.MakeDirectories(directory);
    };
    CO_RETURN_IF_ERROR(co_await env::RunBlocking(service->deps_.pool, prepare));
    CO_RETURN_IF_ERROR(co_await service->Load());
    CO_RETURN_IF_ERROR(co_await service->LoadSaved());
    co_return service;
}

env::Task<Result<void>> AthenaService::Load() {
    wire::WorkGroup primary;
    primary.Name = "primary";
    primary.State = wire::WorkGroupState::kEnabled;
    primary.CreationTime = deps_.clock.Now();
    primary.Configuration.emplace().EnforceWorkGroupConfiguration = false;
    primary.Configuration->PublishCloudWatchMetricsEnabled = false;
    primary.Configuration->RequesterPaysEnabled = false;
    primary.Configuration->EngineVersion.emplace().SelectedEngineVersion = "AUTO";
    primary.Configuration->EngineVersion->EffectiveEngineVersion = "Athena engine version 3";
    groups_["primary"] = std::move(primary);
    CO_ASSIGN_OR_RETURN(auto groups, co_await deps_.table.Scan(kGroups, storage::PrefixRange("")));
    for (const auto& entry : groups) {
        CO_ASSIGN_OR_RETURN(groups_[entry.key], api::FromStored<wire::WorkGroup>(entry.value, wire::shapes::WorkGroup_structure));
    }
    CO_ASSIGN_OR_RETURN(auto metadata, co_await deps_.table.Scan(kMetadata, storage::PrefixRange("")));
    CO_ASSIGN_OR_RETURN(auto runtime, co_await deps_.table.Scan(kRuntime, storage::PrefixRange("")));
    CO_ASSIGN_OR_RETURN(auto executions, co_await deps_.table.Scan(kExecutions, storage::PrefixRange("")));
    for (const auto& entry : executions) {
        auto execution = std::make_shared<Execution>();
        CO_ASSIGN_OR_RETURN(execution->shown, api::FromStored<wire::QueryExecution>(entry.value, wire::shapes::QueryExecution_structure));
        if (!HasEnded(execution->shown)) SetState(*execution, wire::QueryExecutionState::kFailed, "GENERIC_INTERNAL_ERROR: The server stopped during the query.");
        executions_[entry.key] = std::move(execution);
        order_.push_back(entry.key);
    }
    for (const auto& entry : metadata) {
        const auto found = executions_.find(entry.key);
        if (found == executions_.end()) continue;
        CO_ASSIGN_OR_RETURN(found->second->metadata, api::FromStored<wire::ResultSetMetadata>(entry.value, wire::shapes::ResultSetMetadata_structure));
    }
    for (const auto& entry : runtime) {
        const auto found = executions_.find(entry.key);
        if (found == executions_.end()) continue;
        CO_ASSIGN_OR_RETURN(found->second->runtime, api::FromStored<wire::QueryRuntimeStatistics>(entry.value, wire::shapes::QueryRuntimeStatistics_structure));
    }
    CO_ASSIGN_OR_RETURN(auto tokens, co_await deps_.table.Scan(kTokens, storage::PrefixRange("")));
    for (const auto& entry : tokens) {
        by_token_[entry.key] = entry.value;
        token_of_[entry.value] = entry.key;
    }
    std::sort(order_.begin(), order_.end(), [this](const std::string& a, const std::string& b) {
        return executions_[a]->shown.Status->SubmissionDateTime < executions_[b]->shown.Status->SubmissionDateTime;
    });
    co_return Result<void>{};
}

env::Task<void> AthenaService::Close() {
    std::vector<std::shared_ptr<Execution>> running;
    {
        const std::lock_guard lock(mutex_);
        for (auto& [id, execution] : executions_) {
            if (!HasEnded(execution->shown)) running.push_back(execution);
        }
    }
    for (const auto& execution : running) execution->stop.request_stop();
    co_await scope_.Close();
}

std::shared_ptr<AthenaService::Execution> AthenaService::Find(const std::string& id) const {
    const std::lock_guard lock(mutex_);
    const auto found = executions_.find(id);
    return found == executions_.end() ? nullptr : found->second;
}

void AthenaService::SetState(Execution& execution, std::string_view state, std::string reason) {
    const std::lock_guard lock(mutex_);
    wire::QueryExecutionStatus& status = *execution.shown.Status;
    status.State = state;
    if (!reason.empty()) {
        if (state == wire::QueryExecutionState::kFailed) status.AthenaError = ErrorOf(reason);
        status.StateChangeReason = std::move(reason);
    }
    if (state == wire::QueryExecutionState::kQueued || state == wire::QueryExecutionState::kRunning) return;
    status.CompletionDateTime = deps_.clock.Now();
    if (!execution.shown.Statistics) execution.shown.Statistics.emplace();
    execution.shown.Statistics->TotalExecutionTimeInMillis = base::ToUnixMs(*status.CompletionDateTime) - base::ToUnixMs(*status.SubmissionDateTime);
}

env::Task<Result<void>> AthenaService::SaveExecution(const Execution& execution, std::optional<std::string> token) {
    storage::TableBatch batch;
    {
        const std::lock_guard lock(mutex_);
        const std::string& id = *execution.shown.QueryExecutionId;
        batch.Put(kExecutions, id, api::ToStored(execution.shown, wire::shapes::QueryExecution_structure));
        if (HasEnded(execution.shown)) {
            batch.Put(kMetadata, id, api::ToStored(execution.metadata, wire::shapes::ResultSetMetadata_structure));
            batch.Put(kRuntime, id, api::ToStored(execution.runtime, wire::shapes::QueryRuntimeStatistics_structure));
        }
        if (token) batch.Put(kTokens, *token, id);
    }
    co_return co_await deps_.table.Commit(std::move(batch));
}

// EXECUTE becomes what was prepared, with its parameters.
std::expected<sa::Statement, std::string> AthenaService::StatementOf(Execution& execution, const std::string& group) {
    auto statement = sa::ParseStatement(execution.text);
    if (!statement) return unexpected(statement.error().Text());
    const auto* execute = std::get_if<sa::Execute>(&*statement);
    if (execute == nullptr) return std::move(*statement);
    std::string text;
    {
        const std::lock_guard lock(mutex_);
        const auto found = prepared_.find({group, execute->name});
        if (found == prepared_.end()) {
            return unexpected(fmt::format("NOT_FOUND: line {}:{}: Prepared statement not found: {}", execute->at.line, execute->at.column, execute->name));
        }
        text = found->second.QueryStatement.value_or("");
    }
    if (!execute->parameters.empty()) execution.run.parameters = execute->parameters;
    execution.text = std::move(text);
    auto inner = sa::ParseStatement(execution.text);
    if (!inner) return unexpected(inner.error().Text());
    if (std::holds_alternative<sa::Execute>(*inner) || std::holds_alternative<sa::Prepare>(*inner) || std::holds_alternative<sa::Deallocate>(*inner)) {
        return unexpected("NOT_SUPPORTED: A prepared statement of this kind is not served");
    }
    return std::move(*inner);
}

Outcome<std::shared_ptr<AthenaService::Execution>> AthenaService::MakeExecution(const CallContext& context, wire::StartQueryExecutionInput input) {
    const std::string group_name = input.WorkGroup.value_or("primary");
    const auto group = FindGroup(group_name);
    if (!group) return unexpected(errors::InvalidRequestException(fmt::format("WorkGroup {} is not found.", group_name)));
    if (group->State == wire::WorkGroupState::kDisabled) return unexpected(errors::InvalidRequestException(fmt::format("WorkGroup {} is disabled.", group_name)));
    const wire::WorkGroupConfiguration configuration = group->Configuration.value_or(wire::WorkGroupConfiguration{});
    const bool enforced = configuration.EnforceWorkGroupConfiguration.value_or(false);
    wire::ResultConfiguration results = configuration.ResultConfiguration.value_or(wire::ResultConfiguration{});
    if (!enforced && input.ResultConfiguration) {
        if (input.ResultConfiguration->OutputLocation) results.OutputLocation = input.ResultConfiguration->OutputLocation;
        if (input.ResultConfiguration->EncryptionConfiguration) results.EncryptionConfiguration = input.ResultConfiguration->EncryptionConfiguration;
        if (input.ResultConfiguration->AclConfiguration) results.AclConfiguration = input.ResultConfiguration->AclConfiguration;
    }
    std::string location = results.OutputLocation.value_or("");
    if (location.empty()) {
        return unexpected(errors::InvalidRequestException(
            "No output location provided. An output location is required either through the Workgroup result configuration setting or as an API input."));
    }
    if (!ParseS3(location) || !location.starts_with("s3://")) return unexpected(errors::InvalidRequestException("outputLocation is not a valid S3 path."));
    if (location.back() != '/') location += '/';
    if (input.QueryExecutionContext && input.QueryExecutionContext->Catalog && Lower(*input.QueryExecutionContext->Catalog) != "awsdatacatalog") {
        return unexpected(errors::InvalidRequestException(fmt::format("DataCatalog {} was not found", *input.QueryExecutionContext->Catalog)));
    }
    auto execution = std::make_shared<Execution>();
    const std::string id = env::RandomUuid(deps_.random);
    RunContext& run = execution->run;
    run.call = context;
    run.execution_id = id;
    if (input.QueryExecutionContext) run.database = Lower(input.QueryExecutionContext->Database.value_or(""));
    // Clients send it as they would write it in DDL.
    if (run.database.size() > 2 && run.database.front() == '`' && run.database.back() == '`') run.database = run.database.substr(1, run.database.size() - 2);
    if (run.database.empty()) run.database = "default";
    run.parameters = input.ExecutionParameters.value_or(std::vector<std::string>{});
    run.folder = location;
    run.output_enforced = enforced;
    run.directory = settings_.work_directory + "/" + id;
    if (configuration.BytesScannedCutoffPerQuery) run.scan_limit = static_cast<uint64_t>(*configuration.BytesScannedCutoffPerQuery);
    run.stop = execution->stop.get_token();
    execution->text = input.QueryString;
    execution->statement = StatementOf(*execution, group_name);
    wire::QueryExecution& shown = execution->shown;
    const bool parsed = execution->statement.has_value();
    const sa::StatementName name = parsed ? sa::NameOf(*execution->statement) : sa::StatementName{"DML", ""};
    shown.StatementType = name.type;
    if (!name.subtype.empty()) shown.SubstatementType = name.subtype;
    run.output = location + id;
    if (parsed && std::holds_alternative<sa::CreateTableAs>(*execution->statement)) run.output = location + "tables/" + id;
    else if (!parsed || name.subtype == "SELECT") run.output += ".csv";
    else if (name.type != "DML") run.output += ".txt";
    shown.QueryExecutionId = id;
    shown.Query = std::move(input.QueryString);
    shown.ResultConfiguration = std::move(results);
    shown.ResultConfiguration->OutputLocation = run.output;
    shown.ResultReuseConfiguration = input.ResultReuseConfiguration;
    if (!shown.ResultReuseConfiguration) shown.ResultReuseConfiguration.emplace().ResultReuseByAgeConfiguration.emplace().Enabled = false;
    shown.QueryExecutionContext = input.QueryExecutionContext.value_or(wire::QueryExecutionContext{});
    shown.Status.emplace().State = wire::QueryExecutionState::kQueued;
    shown.Status->SubmissionDateTime = deps_.clock.Now();
    // A result that was asked to be reused may be made anew.
    shown.Statistics.emplace().ResultReuseInformation.emplace().ReusedPreviousResult = false;
    shown.WorkGroup = group_name;
    shown.EngineVersion.emplace().SelectedEngineVersion = "AUTO";
    shown.EngineVersion->EffectiveEngineVersion = "Athena engine version 3";
    shown.ExecutionParameters = std::move(input.ExecutionParameters);
    return execution;
}

env::Task<Outcome<wire::StartQueryExecutionOutput>> AthenaService::StartQueryExecution(const CallContext& context,
                                                                                       wire::StartQueryExecutionInput input) {
    const std::optional<std::string> token = input.ClientRequestToken;
    const auto same = [&]() -> std::optional<Outcome<std::string>> {
        if (!token) return std::nullopt;
        const auto found = by_token_.find(*token);
        if (found == by_token_.end() || !executions_.contains(found->second)) return std::nullopt;
        if (executions_[found->second]->shown.Query == input.QueryString) return Outcome<std::string>(found->second);
        return Outcome<std::string>(unexpected(errors::InvalidRequestException("Idempotent parameters do not match")));
    };
    wire::StartQueryExecutionOutput output;
    {
        const std::lock_guard lock(mutex_);
        if (auto known = same()) {
            if (!*known) co_return unexpected(known->error());
            output.QueryExecutionId = **known;
            co_return output;
        }
    }
    auto made = MakeExecution(context, std::move(input));
    if (!made) co_return unexpected(made.error());
    std::shared_ptr<Execution> execution = std::move(*made);
    const std::string id = execution->run.execution_id;
    {
        const std::lock_guard lock(mutex_);
        input.QueryString = *execution->shown.Query;
        if (auto known = same()) {
            if (!*known) co_return unexpected(known->error());
            output.QueryExecutionId = **known;
            co_return output;
        }
        executions_[id] = execution;
        order_.push_back(id);
        if (token) {
            by_token_[*token] = id;
            token_of_[id] = *token;
        }
    }
    auto saved = co_await SaveExecution(*execution, token);
    if (!saved) {
        SetState(*execution, wire::QueryExecutionState::kFailed, "GENERIC_INTERNAL_ERROR: " + saved.error().message);
        co_return unexpected(errors::InternalServerException(saved.error().message));
    }
    base::Metrics::Global().GetCounter("wellhead_athena_queries_total", "Query executions started.").Add();
    env::Spawn(scope_, deps_.executor, "query " + id, RunExecution(std::move(execution)));
    output.QueryExecutionId = id;
    co_return output;
}

env::Task<Ran> AthenaService::KeepPrepared(Execution& execution) {
    Result<void> done;
    const std::string group = *execution.shown.WorkGroup;
    if (const auto* prepare = std::get_if<sa::Prepare>(&*execution.statement)) {
        wire::PreparedStatement statement;
        statement.StatementName = prepare->name;
        statement.WorkGroupName = group;
        std::string text = prepare->query.text;
        text.erase(0, std::min(text.find_first_not_of(" \t\r\n"), text.size()));
        while (!text.empty() && (text.back() == ';' || text.back() == ' ' || text.back() == '\n')) text.pop_back();
        statement.QueryStatement = std::move(text);
        statement.LastModifiedTime = deps_.clock.Now();
        done = co_await PutPrepared(std::move(statement));
    } else if (const auto* gone = std::get_if<sa::Deallocate>(&*execution.statement)) {
        StatementKey key{group, gone->name};
        {
            const std::lock_guard lock(mutex_);
            if (!prepared_.contains(key)) co_return unexpected(fmt::format("NOT_FOUND: Prepared statement not found: {}", gone->name));
        }
        done = co_await DeletePrepared(std::move(key));
    }
    if (!done) co_return unexpected("GENERIC_INTERNAL_ERROR: " + done.error().message);
    co_return RunResult{};
}

env::Task<Ran> AthenaService::RunStatement(Execution& execution) {
    if (!execution.statement) co_return unexpected(execution.statement.error());
    if (std::holds_alternative<sa::Prepare>(*execution.statement) || std::holds_alternative<sa::Deallocate>(*execution.statement)) {
        co_return co_await KeepPrepared(execution);
    }
    const RunDependencies dependencies{deps_.clock, deps_.glue, lake_, deps_.engine};
    StatementRun run(dependencies, execution.run);
    auto ran = co_await run.Run(std::move(*execution.statement), execution.text);
    if (!ran) co_return ran;
    const bool rows = execution.run.output.ends_with(".csv");
    auto metadata = MetadataOf(ran->columns, rows);
    const std::string bytes = MetadataBytes(metadata);
    auto place = ParseS3(execution.run.output + ".metadata");
    auto put = co_await lake_.PutText(execution.run.call, std::move(*place), "application/octet-stream", bytes);
    if (!put) co_return unexpected("PERMISSION_DENIED: the result cannot be written: " + put.error().message);
    const std::lock_guard lock(mutex_);
    execution.metadata = std::move(metadata);
    co_return ran;
}

void AthenaService::Note(Execution& execution, const Ran& ran) {
    const std::lock_guard lock(mutex_);
    wire::QueryExecutionStatistics& statistics = *execution.shown.Statistics;
    wire::QueryRuntimeStatisticsTimeline& timeline = execution.runtime.Timeline.emplace();
    const RunResult nothing;
    const RunResult& result = ran ? *ran : nothing;
    timeline.QueryQueueTimeInMillis = statistics.QueryQueueTimeInMillis = 0;
    timeline.ServicePreProcessingTimeInMillis = statistics.ServicePreProcessingTimeInMillis = 0;
    timeline.QueryPlanningTimeInMillis = statistics.QueryPlanningTimeInMillis = Ms(result.planning);
    timeline.EngineExecutionTimeInMillis = statistics.EngineExecutionTimeInMillis = Ms(result.engine);
    timeline.ServiceProcessingTimeInMillis = statistics.ServiceProcessingTimeInMillis = Ms(result.storing);
    statistics.DataScannedInBytes = static_cast<int64_t>(result.scanned_bytes);
    statistics.DataManifestLocation = result.manifest;
    if (!ran) return;
    wire::QueryRuntimeStatisticsRows& rows = execution.runtime.Rows.emplace();
    rows.InputBytes = static_cast<int64_t>(result.scanned_bytes);
    rows.OutputRows = static_cast<int64_t>(result.output_rows);
    rows.OutputBytes = static_cast<int64_t>(result.output_bytes);
    if (result.written_rows) execution.update_count = static_cast<int64_t>(*result.written_rows);
}

env::Task<void> AthenaService::CleanUp(std::string directory) {
    const auto remove = [this, &directory]() -> Result<void> {
        auto file = deps_.files.Remove(directory + ".csv");
        if (!file && file.error().code != ErrorCode::kNotFound) return file;
        return RemoveTree(deps_.files, directory);
    };
    auto removed = co_await env::RunBlocking(deps_.pool, remove);
    if (!removed) base::LogWarning("athena", "{}: {}", directory, removed.error().message);
}

env::Task<void> AthenaService::RunExecution(std::shared_ptr<Execution> execution) {
    SetState(*execution, wire::QueryExecutionState::kRunning, "");
    const Ran ran = co_await RunStatement(*execution);
    Note(*execution, ran);
    // What is shown as ended is on stable storage.
    Execution ended;
    {
        const std::lock_guard lock(mutex_);
        ended.shown = execution->shown;
        ended.metadata = execution->metadata;
        ended.runtime = execution->runtime;
    }
    if (execution->stop.stop_requested()) SetState(ended, wire::QueryExecutionState::kCancelled, "Query cancelled by user");
    else if (ran) SetState(ended, wire::QueryExecutionState::kSucceeded, "");
    else SetState(ended, ran.error() == kScanLimitReason ? wire::QueryExecutionState::kCancelled : wire::QueryExecutionState::kFailed, ran.error());
    ended.runtime.Timeline->TotalExecutionTimeInMillis = ended.shown.Statistics->TotalExecutionTimeInMillis;
    auto saved = co_await SaveExecution(ended, std::nullopt);
    if (!saved) base::LogError("athena", "execution {}: {}", *ended.shown.QueryExecutionId, saved.error().message);
    {
        const std::lock_guard lock(mutex_);
        execution->shown = std::move(ended.shown);
        execution->runtime = std::move(ended.runtime);
    }
    co_await CleanUp(execution->run.directory);
    co_await DropOldest();
}

env::Task<void> AthenaService::DropOldest() {
    std::string oldest;
    storage::TableBatch batch;
    {
        const std::lock_guard lock(mutex_);
        if (order_.size() <= kKeptExecutions || !HasEnded(executions_[order_.front()]->shown)) co_return;
        oldest = order_.front();
        order_.pop_front();
        executions_.erase(oldest);
        if (const auto token = token_of_.find(oldest); token != token_of_.end()) {
            batch.Delete(kTokens, token->second);
            by_token_.erase(token->second);
            token_of_.erase(token);
        }
    }
    batch.Delete(kExecutions, oldest).Delete(kMetadata, oldest).Delete(kRuntime, oldest);
    auto deleted = co_await deps_.table.Commit(std::move(batch));
    if (!deleted) base::LogError("athena", "execution {}: {}", oldest, deleted.error().message);
}

env::Task<Outcome<wire::StopQueryExecutionOutput>> AthenaService::StopQueryExecution(const CallContext&, wire::StopQueryExecutionInput input) {
    auto execution = Find(input.QueryExecutionId);
    if (!execution) co_return unexpected(errors::InvalidRequestException(fmt::format("QueryExecution {} was not found", input.QueryExecutionId)));
    bool running = false;
    {
        const std::lock_guard lock(mutex_);
        running = !HasEnded(execution->shown);
    }
    // Outside of the lock: it ends a process.
    if (running) execution->stop.request_stop();
    co_return wire::StopQueryExecutionOutput{};
}

env::Task<Outcome<wire::GetQueryExecutionOutput>> AthenaService::GetQueryExecution(const CallContext&, wire::GetQueryExecutionInput input) {
    auto execution = Find(input.QueryExecutionId);
    if (!execution) co_return unexpected(errors::InvalidRequestException(fmt::format("QueryExecution {} was not found", input.QueryExecutionId)));
    wire::GetQueryExecutionOutput output;
    const std::lock_guard lock(mutex_);
    output.QueryExecution = execution->shown;
    co_return output;
}

env::Task<Outcome<wire::BatchGetQueryExecutionOutput>> AthenaService::BatchGetQueryExecution(const CallContext&,
                                                                                             wire::BatchGetQueryExecutionInput input) {
    wire::BatchGetQueryExecutionOutput output;
    output.QueryExecutions.emplace();
    output.UnprocessedQueryExecutionIds.emplace();
    for (const std::string& id : input.QueryExecutionIds) {
        if (auto execution = Find(id)) {
            const std::lock_guard lock(mutex_);
            output.QueryExecutions->push_back(execution->shown);
        } else {
            wire::UnprocessedQueryExecutionId missing;
            missing.QueryExecutionId = id;
            missing.ErrorCode = "INVALID_QUERY_EXECUTION_ID";
            missing.ErrorMessage = fmt::format("QueryExecution {} was not found", id);
            output.UnprocessedQueryExecutionIds->push_back(std::move(missing));
        }
    }
    co_return output;
}

env::Task<Outcome<wire::ListQueryExecutionsOutput>> AthenaService::ListQueryExecutions(const CallContext&, wire::ListQueryExecutionsInput input) {
    wire::ListQueryExecutionsOutput output;
    output.QueryExecutionIds.emplace();
    const std::string group = input.WorkGroup.value_or("primary");
    if (!FindGroup(group)) co_return unexpected(errors::InvalidRequestException(fmt::format("WorkGroup {} is not found.", group)));
    const size_t most = static_cast<size_t>(std::clamp(input.MaxResults.value_or(50), 1, 50));
    bool skip = input.NextToken.has_value();
    const std::lock_guard lock(mutex_);
    if (skip && !executions_.contains(*input.NextToken)) co_return unexpected(errors::InvalidRequestException("The NextToken is not one of ours."));
    for (auto id = order_.rbegin(); id != order_.rend(); ++id) {
        if (skip) {
            skip = *id != *input.NextToken;
            continue;
        }
        if (executions_[*id]->shown.WorkGroup != group) continue;
        if (output.QueryExecutionIds->size() == most) {
            output.NextToken = output.QueryExecutionIds->back();
            break;
        }
        output.QueryExecutionIds->push_back(*id);
    }
    co_return output;
}

}  // namespace wellhead::services::athena
