#include "services/athena/athena_service.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/object.hpp>

#include "api/stored.h"
#include "apis/athena/errors.h"
#include "apis/athena/shapes.h"
#include "base/log.h"
#include "base/metrics.h"
#include "services/athena/result_page.h"

namespace wellhead::services::athena {

using api::CallContext;
using api::Outcome;
using base::ErrorCode;
using base::Result;
using std::unexpected;
namespace errors = apis::athena;

namespace {

constexpr const char* kExecutions = "athena/executions";
constexpr const char* kMetadata = "athena/result_metadata";
constexpr const char* kGroups = "athena/workgroups";
constexpr size_t kKeptExecutions = 10000;
constexpr uint64_t kMostResultBytes = uint64_t{1} << 30;

std::string Lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return out;
}

// Hive's spelling of a type as ResultSetMetadata has it.
wire::ColumnInfo Info(const query::Column& column) {
    wire::ColumnInfo info;
    info.CatalogName = "hive";
    info.SchemaName = "";
    info.TableName = "";
    info.Name = column.name;
    info.Label = column.name;
    info.Nullable = wire::ColumnNullable::kUnknown;
    info.Precision = 0;
    info.Scale = 0;
    std::string type = column.type.substr(0, column.type.find_first_of("<("));
    struct Known {
        std::string_view hive, athena;
        int32_t precision;
    };
    static constexpr Known kKnown[] = {{"string", "varchar", 2147483647}, {"int", "integer", 10}, {"bigint", "bigint", 19},
                                       {"smallint", "smallint", 5}, {"tinyint", "tinyint", 3}, {"double", "double", 17},
                                       {"float", "float", 17}, {"timestamp", "timestamp", 3}, {"struct", "row", 0},
                                       {"timestamp with time zone", "timestamp with time zone", 3}, {"binary", "varbinary", 1073741824}};
    for (const Known& known : kKnown) {
        if (type != known.hive) continue;
        type = known.athena;
        info.Precision = known.precision;
        break;
    }
    if (type == "decimal") {
        int precision = 0;
        int scale = 0;
        std::sscanf(column.type.c_str(), "decimal(%d,%d)", &precision, &scale);
        info.Precision = precision;
        info.Scale = scale;
    }
    info.CaseSensitive = type == "varchar";
    info.Type = std::move(type);
    return info;
}

// The engine's words as Athena's.
std::string Reason(const base::Error& error, const std::string& query) {
    switch (error.code) {
        case ErrorCode::kLimit: return "EXCEEDED_MEMORY_LIMIT: Query exhausted resources at this scale factor: " + error.message;
        case ErrorCode::kTimeout: return "EXCEEDED_TIME_LIMIT: " + error.message;
        case ErrorCode::kUnavailable: return "GENERIC_INTERNAL_ERROR: " + error.message;
        case ErrorCode::kPermission: return "PERMISSION_DENIED: " + error.message;
        default: break;
    }
    const std::string& text = error.message;
    const std::string mark = "Referenced column \"";
    if (const size_t at = text.find(mark); at != std::string::npos) {
        const std::string name = text.substr(at + mark.size(), text.find('"', at + mark.size()) - at - mark.size());
        const sql::Position place = sql::athena::FindIdentifier(query, name);
        return fmt::format("COLUMN_NOT_FOUND: line {}:{}: Column '{}' cannot be resolved or requester is not authorized to access requested resources",
                           place.line, place.column, name);
    }
    if (text.starts_with("Parser Error")) return "SYNTAX_ERROR: line 1:1: " + text;
    if (text.starts_with("Binder Error")) return "TYPE_MISMATCH: line 1:1: " + text;
    if (text.starts_with("Conversion Error")) return "INVALID_CAST_ARGUMENT: " + text;
    return "GENERIC_USER_ERROR: " + text;
}

std::vector<std::string> Words(const std::string& query, size_t most) {
    std::vector<std::string> words;
    const auto tokens = sql::Tokenize(query, sql::athena::AthenaLexer());
    if (!tokens) return words;
    for (const sql::Token& token : *tokens) {
        if (token.kind == sql::TokenKind::kEnd || words.size() == most) break;
        words.push_back(token.kind == sql::TokenKind::kString ? "'" + token.value : Lower(token.value));
    }
    while (!words.empty() && words.back() == ";") words.pop_back();
    return words;
}

bool IsQuery(const std::vector<std::string>& words) {
    if (words.empty()) return true;
    return words[0] == "select" || words[0] == "with" || words[0] == "values" || words[0] == "(" || words[0] == "table";
}

void ParseLocation(const std::string& location, std::string& bucket, std::string& key) {
    const size_t slash = location.find('/', 5);
    bucket = location.substr(5, slash == std::string::npos ? slash : slash - 5);
    key = slash == std::string::npos ? "" : location.substr(slash + 1);
}

}  // namespace

AthenaService::AthenaService(AthenaDependencies dependencies, AthenaSettings settings)
    : deps_(std::move(dependencies)), settings_(std::move(settings)), scanner_(deps_.glue, deps_.s3, deps_.objects) {}
AthenaService::~AthenaService() = default;

env::Task<Result<std::unique_ptr<AthenaService>>> AthenaService::Open(AthenaDependencies dependencies, AthenaSettings settings) {
    std::unique_ptr<AthenaService> service(new AthenaService(std::move(dependencies), std::move(settings)));
    const auto prepare = [&service]() -> Result<void> {
        env::Files& files = service->deps_.files;
        const std::string& directory = service->settings_.work_directory;
        RETURN_IF_ERROR(files.MakeDirectories(directory));
        ASSIGN_OR_RETURN(const auto entries, files.List(directory));
        for (const env::DirectoryEntry& entry : entries) RETURN_IF_ERROR(files.Remove(directory + "/" + entry.name));
        return {};
    };
    CO_RETURN_IF_ERROR(co_await env::RunBlocking(service->deps_.pool, prepare));
    CO_RETURN_IF_ERROR(co_await service->Load());
    co_return service;
}

env::Task<Result<void>> AthenaService::Load() {
    wire::WorkGroup primary;
    primary.Name = "primary";
    primary.State = wire::WorkGroupState::kEnabled;
    primary.CreationTime = deps_.clock.Now();
    primary.Configuration.emplace().EnforceWorkGroupConfiguration = false;
    groups_["primary"] = std::move(primary);
    CO_ASSIGN_OR_RETURN(auto groups, co_await deps_.table.Scan(kGroups, storage::PrefixRange("")));
    for (const auto& entry : groups) {
        CO_ASSIGN_OR_RETURN(groups_[entry.key], api::FromStored<wire::WorkGroup>(entry.value, wire::shapes::WorkGroup_structure));
    }
    CO_ASSIGN_OR_RETURN(auto executions, co_await deps_.table.Scan(kExecutions, storage::PrefixRange("")));
    for (const auto& entry : executions) {
        auto execution = std::make_shared<Execution>();
        CO_ASSIGN_OR_RETURN(execution->shown, api::FromStored<wire::QueryExecution>(entry.value, wire::shapes::QueryExecution_structure));
        CO_ASSIGN_OR_RETURN(auto metadata, co_await deps_.table.Get(kMetadata, entry.key));
        if (metadata) {
            CO_ASSIGN_OR_RETURN(execution->metadata, api::FromStored<wire::ResultSetMetadata>(*metadata, wire::shapes::ResultSetMetadata_structure));
        }
        const std::string state = execution->shown.Status->State.value_or("");
        if (state == wire::QueryExecutionState::kQueued || state == wire::QueryExecutionState::kRunning) {
            SetState(*execution, wire::QueryExecutionState::kFailed, "GENERIC_INTERNAL_ERROR: The server stopped during the query.");
        }
        executions_[entry.key] = std::move(execution);
        order_.push_back(entry.key);
    }
    std::sort(order_.begin(), order_.end(), [this](const std::string& a, const std::string& b) {
        return executions_[a]->shown.Status->SubmissionDateTime < executions_[b]->shown.Status->SubmissionDateTime;
    });
    co_return Result<void>{};
}

env::Task<void> AthenaService::Close() {
    {
        const std::lock_guard lock(mutex_);
        for (auto& [id, execution] : executions_) execution->stop.request_stop();
    }
    co_await scope_.Close();
}

std::shared_ptr<AthenaService::Execution> AthenaService::Find(const std::string& id) const {
    const std::lock_guard lock(mutex_);
    const auto found = executions_.find(id);
    return found == executions_.end() ? nullptr : found->second;
}

std::optional<wire::WorkGroup> AthenaService::FindGroup(const std::string& name) const {
    const std::lock_guard lock(mutex_);
    const auto found = groups_.find(name);
    if (found == groups_.end()) return std::nullopt;
    return found->second;
}

void AthenaService::SetState(Execution& execution, std::string_view state, std::string reason) {
    const std::lock_guard lock(mutex_);
    wire::QueryExecutionStatus& status = *execution.shown.Status;
    status.State = state;
    if (!reason.empty()) {
        status.StateChangeReason = reason;
        if (state == wire::QueryExecutionState::kFailed) {
            wire::AthenaError error;
            error.ErrorCategory = reason.starts_with("GENERIC_INTERNAL") ? 1 : 2;
            error.ErrorType = 1006;
            error.Retryable = false;
            error.ErrorMessage = reason;
            status.AthenaError = std::move(error);
        }
    }
    if (state != wire::QueryExecutionState::kQueued && state != wire::QueryExecutionState::kRunning) {
        status.CompletionDateTime = deps_.clock.Now();
        if (!execution.shown.Statistics) execution.shown.Statistics.emplace();
        execution.shown.Statistics->TotalExecutionTimeInMillis =
            base::ToUnixMs(*status.CompletionDateTime) - base::ToUnixMs(*status.SubmissionDateTime);
    }
}

env::Task<Result<void>> AthenaService::SaveExecution(const Execution& execution) {
    storage::TableBatch batch;
    {
        const std::lock_guard lock(mutex_);
        const std::string& id = *execution.shown.QueryExecutionId;
        batch.Put(kExecutions, id, api::ToStored(execution.shown, wire::shapes::QueryExecution_structure));
        batch.Put(kMetadata, id, api::ToStored(execution.metadata, wire::shapes::ResultSetMetadata_structure));
    }
    co_return co_await deps_.table.Commit(std::move(batch));
}

env::Task<Outcome<wire::StartQueryExecutionOutput>> AthenaService::StartQueryExecution(const CallContext& context,
                                                                                       wire::StartQueryExecutionInput input) {
    const std::string group_name = input.WorkGroup.value_or("primary");
    const auto group = FindGroup(group_name);
    if (!group) co_return unexpected(errors::InvalidRequestException(fmt::format("WorkGroup {} is not found.", group_name)));
    if (group->State == wire::WorkGroupState::kDisabled) co_return unexpected(errors::InvalidRequestException(fmt::format("WorkGroup {} is disabled.", group_name)));
    if (input.ClientRequestToken) {
        const std::lock_guard lock(mutex_);
        if (const auto same = by_token_.find(*input.ClientRequestToken); same != by_token_.end()) {
            if (executions_[same->second]->shown.Query != input.QueryString) {
                co_return unexpected(errors::InvalidRequestException("Idempotent parameters do not match"));
            }
            wire::StartQueryExecutionOutput output;
            output.QueryExecutionId = same->second;
            co_return output;
        }
    }
    std::string location;
    const bool enforced = group->Configuration && group->Configuration->EnforceWorkGroupConfiguration.value_or(false);
    if (group->Configuration && group->Configuration->ResultConfiguration) location = group->Configuration->ResultConfiguration->OutputLocation.value_or("");
    if (!enforced && input.ResultConfiguration && input.ResultConfiguration->OutputLocation) location = *input.ResultConfiguration->OutputLocation;
    if (location.empty()) {
        co_return unexpected(errors::InvalidRequestException(
            "No output location provided. An output location is required either through the Workgroup result configuration setting or as an API input."));
    }
    if (!location.starts_with("s3://")) co_return unexpected(errors::InvalidRequestException("outputLocation is not a valid S3 path."));
    if (location.back() != '/') location += '/';
    auto execution = std::make_shared<Execution>();
    const std::string id = env::RandomUuid(deps_.random);
    const auto words = Words(input.QueryString, 3);
    const bool query = IsQuery(words);
    wire::QueryExecution& shown = execution->shown;
    shown.QueryExecutionId = id;
    shown.Query = input.QueryString;
    shown.StatementType = query ? wire::StatementType::kDml : !words.empty() && (words[0] == "show" || words[0] == "describe" || words[0] == "explain")
                                                                  ? wire::StatementType::kUtility : wire::StatementType::kDdl;
    if (query) shown.SubstatementType = "SELECT";
    shown.ResultConfiguration.emplace().OutputLocation = location + id + (query ? ".csv" : ".txt");
    shown.ResultReuseConfiguration.emplace().ResultReuseByAgeConfiguration.emplace().Enabled = false;
    shown.QueryExecutionContext = input.QueryExecutionContext.value_or(wire::QueryExecutionContext{});
    shown.Status.emplace().State = wire::QueryExecutionState::kQueued;
    shown.Status->SubmissionDateTime = deps_.clock.Now();
    shown.Statistics.emplace().ResultReuseInformation.emplace().ReusedPreviousResult = false;
    shown.WorkGroup = group_name;
    shown.EngineVersion.emplace().SelectedEngineVersion = "AUTO";
    shown.EngineVersion->EffectiveEngineVersion = "Athena engine version 3";
    shown.ExecutionParameters = input.ExecutionParameters;
    execution->context = context;
    {
        const std::lock_guard lock(mutex_);
        executions_[id] = execution;
        order_.push_back(id);
        if (input.ClientRequestToken) by_token_[*input.ClientRequestToken] = id;
    }
    base::Metrics::Global().GetCounter("wellhead_athena_queries_total", "Query executions started.").Add();
    env::Spawn(scope_, deps_.executor, "query " + id, RunExecution(std::move(execution)));
    wire::StartQueryExecutionOutput output;
    output.QueryExecutionId = id;
    co_return output;
}

env::Task<void> AthenaService::RunExecution(std::shared_ptr<Execution> execution) {
    const base::Tick begin = deps_.clock.Ticks();
    SetState(*execution, wire::QueryExecutionState::kRunning, "");
    const auto words = Words(*execution->shown.Query, 16);
    std::expected<Done, std::string> done;
    if (IsQuery(words)) done = co_await RunQuery(*execution);
    else done = co_await RunStatement(*execution, words);
    {
        const std::lock_guard lock(mutex_);
        wire::QueryExecutionStatistics& statistics = *execution->shown.Statistics;
        statistics.EngineExecutionTimeInMillis = std::chrono::duration_cast<std::chrono::milliseconds>(deps_.clock.Ticks() - begin).count();
        statistics.DataScannedInBytes = done ? static_cast<int64_t>(done->scanned_bytes) : 0;
        statistics.QueryQueueTimeInMillis = 0;
        statistics.ServiceProcessingTimeInMillis = 0;
        statistics.QueryPlanningTimeInMillis = 0;
        if (done) {
            execution->metadata.ColumnInfo.emplace();
            for (const query::Column& column : done->columns) execution->metadata.ColumnInfo->push_back(Info(column));
        }
    }
    if (execution->stop.stop_requested()) SetState(*execution, wire::QueryExecutionState::kCancelled, "Query cancelled by user");
    else if (done) SetState(*execution, wire::QueryExecutionState::kSucceeded, "");
    else SetState(*execution, wire::QueryExecutionState::kFailed, done.error());
    auto saved = co_await SaveExecution(*execution);
    if (!saved) base::LogError("athena", "execution {}: {}", *execution->shown.QueryExecutionId, saved.error().message);
    std::string oldest;
    {
        const std::lock_guard lock(mutex_);
        if (order_.size() > kKeptExecutions) {
            oldest = order_.front();
            order_.pop_front();
            executions_.erase(oldest);
        }
    }
    if (oldest.empty()) co_return;
    storage::TableBatch batch;
    batch.Delete(kExecutions, oldest).Delete(kMetadata, oldest);
    auto deleted = co_await deps_.table.Commit(std::move(batch));
    if (!deleted) base::LogError("athena", "execution {}: {}", oldest, deleted.error().message);
}

env::Task<std::expected<AthenaService::Done, std::string>> AthenaService::RunQuery(Execution& execution) {
    sql::athena::TranslationContext names;
    names.database = execution.shown.QueryExecutionContext->Database.value_or("default");
    names.parameters = execution.shown.ExecutionParameters.value_or(std::vector<std::string>{});
    const std::string text = *execution.shown.Query;
    auto translation = sql::athena::TranslateQuery(text, names);
    if (!translation) co_return unexpected(translation.error().Text());
    auto plan = co_await scanner_.Plan(execution.context, translation->tables);
    if (!plan) co_return unexpected(plan.error().Text());
    query::Query query;
    query.setup = std::move(plan->setup);
    query.sql = std::move(translation->sql);
    query.readable_files = std::move(plan->readable_files);
    const std::string path = settings_.work_directory + "/" + *execution.shown.QueryExecutionId + ".csv";
    query.result_file = path;
    auto answer = co_await deps_.engine.Run(std::move(query), execution.stop.get_token());
    const auto take = [this, &path]() -> Result<base::Bytes> {
        auto bytes = env::ReadWholeFile(deps_.files, path, kMostResultBytes);
        auto removed = deps_.files.Remove(path);
        if (!removed && removed.error().code != ErrorCode::kNotFound) return std::unexpected(removed.error());
        return bytes;
    };
    auto bytes = co_await env::RunBlocking(deps_.pool, take);
    if (!answer) co_return unexpected(Reason(answer.error(), text));
    if (!bytes) co_return unexpected("GENERIC_INTERNAL_ERROR: " + bytes.error().message);
    auto put = co_await PutResult(execution.context, *execution.shown.ResultConfiguration->OutputLocation, std::move(*bytes));
    if (!put) co_return unexpected("PERMISSION_DENIED: the result cannot be written: " + put.error().message);
    co_return Done{std::move(answer->columns), plan->bytes};
}

env::Task<Result<void>> AthenaService::PutResult(const CallContext& context, std::string location, base::Bytes bytes) {
    apis::s3::PutObjectRequest request;
    ParseLocation(location, request.Bucket, request.Key);
    request.ContentLength = static_cast<int64_t>(bytes.size());
    request.ContentType = location.ends_with(".csv") ? "text/csv" : "text/plain";
    request.Body = api::MakeByteStream(std::move(bytes));
    auto put = co_await deps_.s3.PutObject(context, std::move(request));
    if (!put) co_return base::Fail(ErrorCode::kUnavailable, fmt::format("{}: {}", put.error().code, put.error().message));
    co_return Result<void>{};
}

// The statements that only ask or change the catalog.
env::Task<std::expected<AthenaService::Done, std::string>> AthenaService::RunStatement(Execution& execution,
                                                                                       std::vector<std::string> words) {
    words.resize(std::max<size_t>(words.size(), 8));
    const std::string database = execution.shown.QueryExecutionContext->Database.value_or("default");
    std::string text;
    Done done;
    done.columns = {{"tab_name", "string"}};
    if (words[0] == "show" && (words[1] == "databases" || words[1] == "schemas")) {
        apis::glue::GetDatabasesRequest all;
        auto output = co_await deps_.glue.GetDatabases(execution.context, std::move(all));
        if (!output) co_return unexpected("HIVE_METASTORE_ERROR: " + output.error().message);
        for (const auto& item : output->DatabaseList) text += item.Name + "\n";
        done.columns[0].name = "database_name";
    } else if (words[0] == "show" && words[1] == "tables") {
        apis::glue::GetTablesRequest request;
        request.DatabaseName = words[2] == "in" || words[2] == "from" ? words[3] : database;
        auto output = co_await deps_.glue.GetTables(execution.context, std::move(request));
        if (!output) co_return unexpected("SCHEMA_NOT_FOUND: " + output.error().message);
        for (const auto& item : *output->TableList) text += item.Name + "\n";
    } else if (words[0] == "show" && words[1] == "partitions") {
        apis::glue::GetPartitionsRequest request;
        const bool qualified = words[3] == ".";
        request.DatabaseName = qualified ? words[2] : database;
        request.TableName = qualified ? words[4] : words[2];
        apis::glue::GetTableRequest find;
        find.DatabaseName = request.DatabaseName;
        find.Name = request.TableName;
        auto table = co_await deps_.glue.GetTable(execution.context, std::move(find));
        if (!table) co_return unexpected("TABLE_NOT_FOUND: " + table.error().message);
        auto output = co_await deps_.glue.GetPartitions(execution.context, std::move(request));
        if (!output) co_return unexpected("HIVE_METASTORE_ERROR: " + output.error().message);
        for (const auto& partition : *output->Partitions) {
            for (size_t i = 0; i < partition.Values->size(); ++i) {
                text += fmt::format("{}{}={}", i > 0 ? "/" : "", table->Table->PartitionKeys->at(i).Name, partition.Values->at(i));
            }
            text += "\n";
        }
        done.columns[0].name = "partition";
    } else if (words[0] == "describe" || (words[0] == "show" && words[1] == "columns")) {
        const size_t at = words[0] == "describe" ? 1 : 3;
        apis::glue::GetTableRequest find;
        find.DatabaseName = words[at + 1] == "." ? words[at] : database;
        find.Name = words[at + 1] == "." ? words[at + 2] : words[at];
        auto table = co_await deps_.glue.GetTable(execution.context, std::move(find));
        if (!table) co_return unexpected("TABLE_NOT_FOUND: " + table.error().message);
        for (const auto* columns : {&table->Table->StorageDescriptor->Columns, &table->Table->PartitionKeys}) {
            if (!*columns) continue;
            for (const auto& column : **columns) {
                text += words[0] == "show" ? column.Name + "\n" : fmt::format("{:<20}\t{:<20}\t{}\n", column.Name, column.Type.value_or(""), column.Comment.value_or(""));
            }
        }
        done.columns[0].name = words[0] == "show" ? "field" : "col_name";
    } else if (words[0] == "create" && (words[1] == "database" || words[1] == "schema")) {
        const bool lenient = words[2] == "if";
        apis::glue::CreateDatabaseRequest request;
        request.DatabaseInput.Name = words[lenient ? 5 : 2];
        auto output = co_await deps_.glue.CreateDatabase(execution.context, std::move(request));
        if (!output && !(lenient && output.error().code == "AlreadyExistsException")) co_return unexpected("HIVE_METASTORE_ERROR: " + output.error().message);
    } else if (words[0] == "drop" && (words[1] == "table" || words[1] == "database" || words[1] == "schema")) {
        const bool lenient = words[2] == "if";
        const size_t at = lenient ? 4 : 2;
        std::optional<api::ServiceError> error;
        if (words[1] == "table") {
            apis::glue::DeleteTableRequest request;
            request.DatabaseName = words[at + 1] == "." ? words[at] : database;
            request.Name = words[at + 1] == "." ? words[at + 2] : words[at];
            auto output = co_await deps_.glue.DeleteTable(execution.context, std::move(request));
            if (!output) error = output.error();
        } else {
            apis::glue::DeleteDatabaseRequest request;
            request.Name = words[at];
            auto output = co_await deps_.glue.DeleteDatabase(execution.context, std::move(request));
            if (!output) error = output.error();
        }
        if (error && !(lenient && error->code == "EntityNotFoundException")) co_return unexpected("HIVE_METASTORE_ERROR: " + error->message);
    } else {
        co_return unexpected(fmt::format("NOT_SUPPORTED: line 1:1: the statement {} {} is not served", words[0], words[1]));
    }
    auto put = co_await PutResult(execution.context, *execution.shown.ResultConfiguration->OutputLocation, std::move(text));
    if (!put) co_return unexpected("PERMISSION_DENIED: the result cannot be written: " + put.error().message);
    co_return done;
}

env::Task<Outcome<wire::StopQueryExecutionOutput>> AthenaService::StopQueryExecution(const CallContext&, wire::StopQueryExecutionInput input) {
    auto execution = Find(input.QueryExecutionId);
    if (!execution) co_return unexpected(errors::InvalidRequestException(fmt::format("QueryExecution {} was not found", input.QueryExecutionId)));
    bool running = false;
    {
        const std::lock_guard lock(mutex_);
        running = !execution->shown.Status->CompletionDateTime.has_value();
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
    const size_t most = static_cast<size_t>(input.MaxResults.value_or(50));
    bool skip = input.NextToken.has_value();
    const std::lock_guard lock(mutex_);
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

env::Task<Outcome<wire::GetQueryResultsOutput>> AthenaService::GetQueryResults(const CallContext& context, wire::GetQueryResultsInput input) {
    auto execution = Find(input.QueryExecutionId);
    if (!execution) co_return unexpected(errors::InvalidRequestException(fmt::format("QueryExecution {} was not found", input.QueryExecutionId)));
    std::string state;
    std::string location;
    wire::ResultSetMetadata metadata;
    {
        const std::lock_guard lock(mutex_);
        state = *execution->shown.Status->State;
        location = *execution->shown.ResultConfiguration->OutputLocation;
        metadata = execution->metadata;
    }
    if (state != wire::QueryExecutionState::kSucceeded) {
        co_return unexpected(errors::InvalidRequestException(fmt::format("Query has not yet finished. Current state: {}", state)));
    }
    uint64_t offset = 0;
    if (input.NextToken) {
        char* end = nullptr;
        offset = std::strtoull(input.NextToken->c_str(), &end, 10);
        if (*end != '\0' || input.NextToken->empty()) co_return unexpected(errors::InvalidRequestException("The NextToken is not one of ours."));
    }
    wire::GetQueryResultsOutput output;
    output.UpdateCount = 0;
    output.ResultSet.emplace().ResultSetMetadata = std::move(metadata);
    output.ResultSet->Rows.emplace();
    apis::s3::GetObjectRequest request;
    ParseLocation(location, request.Bucket, request.Key);
    if (offset > 0) request.Range = fmt::format("bytes={}-", offset);
    auto object = co_await deps_.s3.GetObject(context, std::move(request));
    if (!object) co_return unexpected(errors::InvalidRequestException(fmt::format("Could not find results: {}", object.error().message)));
    const size_t most = static_cast<size_t>(std::clamp(input.MaxResults.value_or(1000), 1, 1000));
    const bool csv = location.ends_with(".csv");
    std::string text;
    bool last = false;
    size_t consumed = 0;
    std::vector<CsvRow> rows;
    while (rows.size() < most && !last) {
        auto piece = co_await object->Body->Read();
        if (!piece) co_return unexpected(errors::InternalServerException(piece.error().message));
        last = piece->empty();
        text += *piece;
        if (csv) {
            rows = TakeRows(text, most, last, consumed);
            continue;
        }
        rows.clear();
        consumed = 0;
        for (size_t end = text.find('\n'); end != std::string::npos && rows.size() < most; end = text.find('\n', consumed)) {
            rows.push_back({text.substr(consumed, end - consumed)});
            consumed = end + 1;
        }
    }
    for (CsvRow& row : rows) {
        wire::Row made;
        made.Data.emplace();
        for (auto& cell : row) made.Data->push_back(wire::Datum{std::move(cell)});
        output.ResultSet->Rows->push_back(std::move(made));
    }
    if (consumed < text.size() || !last) output.NextToken = std::to_string(offset + consumed);
    co_return output;
}

}  // namespace wellhead::services::athena
