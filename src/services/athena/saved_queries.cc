// Queries kept for later: named queries, and prepared statements by workgroup.
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

constexpr const char* kNamed = "athena/named_queries";
constexpr const char* kPrepared = "athena/prepared_statements";
constexpr size_t kMostPrepared = 1000;  // a workgroup, as AWS has it

api::ServiceError NoQuery(const std::string& id) { return errors::InvalidRequestException(fmt::format("Query {} was not found", id)); }
api::ServiceError NoStatement(const std::string& name) { return errors::ResourceNotFoundException(fmt::format("PreparedStatement {} was not found", name)); }
api::ServiceError NoGroup(const std::string& name) { return errors::InvalidRequestException(fmt::format("WorkGroup {} is not found.", name)); }
api::ServiceError Internal(const base::Error& error) { return errors::InternalServerException(error.message); }

std::string StoredKey(const std::string& group, const std::string& name) { return group + '\0' + name; }

std::string LowerName(std::string name) {
    for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return name;
}

}  // namespace

env::Task<base::Result<void>> AthenaService::LoadSaved() {
    CO_ASSIGN_OR_RETURN(auto named, co_await deps_.table.Scan(kNamed, storage::PrefixRange("")));
    for (const auto& entry : named) {
        CO_ASSIGN_OR_RETURN(named_[entry.key], api::FromStored<wire::NamedQuery>(entry.value, wire::shapes::NamedQuery_structure));
    }
    CO_ASSIGN_OR_RETURN(auto prepared, co_await deps_.table.Scan(kPrepared, storage::PrefixRange("")));
    for (const auto& entry : prepared) {
        CO_ASSIGN_OR_RETURN(auto statement, api::FromStored<wire::PreparedStatement>(entry.value, wire::shapes::PreparedStatement_structure));
        StatementKey key{statement.WorkGroupName.value_or(""), LowerName(statement.StatementName.value_or(""))};
        prepared_[std::move(key)] = std::move(statement);
    }
    co_return base::Result<void>{};
}

env::Task<Outcome<wire::CreateNamedQueryOutput>> AthenaService::CreateNamedQuery(const CallContext&, wire::CreateNamedQueryInput input) {
    wire::CreateNamedQueryOutput output;
    wire::NamedQuery query;
    query.Name = std::move(input.Name);
    query.Description = std::move(input.Description);
    query.Database = std::move(input.Database);
    query.QueryString = std::move(input.QueryString);
    query.WorkGroup = input.WorkGroup.value_or("primary");
    if (!FindGroup(*query.WorkGroup)) co_return unexpected(NoGroup(*query.WorkGroup));
    const std::string id = env::RandomUuid(deps_.random);
    query.NamedQueryId = id;
    if (input.ClientRequestToken) {
        const std::lock_guard lock(mutex_);
        const auto [known, fresh] = named_by_token_.emplace(*input.ClientRequestToken, id);
        if (!fresh) {
            const auto same = named_.find(known->second);
            if (same != named_.end() && (same->second.QueryString != query.QueryString || same->second.Name != query.Name)) {
                co_return unexpected(errors::InvalidRequestException("Idempotent parameters do not match"));
            }
            output.NamedQueryId = known->second;
            co_return output;
        }
    }
    storage::TableBatch batch;
    batch.Put(kNamed, id, api::ToStored(query, wire::shapes::NamedQuery_structure));
    auto saved = co_await deps_.table.Commit(std::move(batch));
    if (!saved) co_return unexpected(Internal(saved.error()));
    const std::lock_guard lock(mutex_);
    named_[id] = std::move(query);
    output.NamedQueryId = id;
    co_return output;
}

env::Task<Outcome<wire::GetNamedQueryOutput>> AthenaService::GetNamedQuery(const CallContext&, wire::GetNamedQueryInput input) {
    const std::lock_guard lock(mutex_);
    const auto found = named_.find(input.NamedQueryId);
    if (found == named_.end()) co_return unexpected(NoQuery(input.NamedQueryId));
    wire::GetNamedQueryOutput output;
    output.NamedQuery = found->second;
    co_return output;
}

env::Task<Outcome<wire::BatchGetNamedQueryOutput>> AthenaService::BatchGetNamedQuery(const CallContext&, wire::BatchGetNamedQueryInput input) {
    wire::BatchGetNamedQueryOutput output;
    output.NamedQueries.emplace();
    output.UnprocessedNamedQueryIds.emplace();
    const std::lock_guard lock(mutex_);
    for (const std::string& id : input.NamedQueryIds) {
        if (const auto found = named_.find(id); found != named_.end()) {
            output.NamedQueries->push_back(found->second);
            continue;
        }
        wire::UnprocessedNamedQueryId missing;
        missing.NamedQueryId = id;
        missing.ErrorCode = "INTERNAL_FAILURE";
        missing.ErrorMessage = fmt::format("Query {} was not found", id);
        output.UnprocessedNamedQueryIds->push_back(std::move(missing));
    }
    co_return output;
}

env::Task<Outcome<wire::ListNamedQueriesOutput>> AthenaService::ListNamedQueries(const CallContext&, wire::ListNamedQueriesInput input) {
    const std::string group = input.WorkGroup.value_or("primary");
    if (!FindGroup(group)) co_return unexpected(NoGroup(group));
    const size_t most = static_cast<size_t>(std::clamp(input.MaxResults.value_or(50), 1, 50));
    wire::ListNamedQueriesOutput output;
    output.NamedQueryIds.emplace();
    const std::lock_guard lock(mutex_);
    for (auto at = named_.upper_bound(input.NextToken.value_or("")); at != named_.end(); ++at) {
        if (at->second.WorkGroup != group) continue;
        if (output.NamedQueryIds->size() == most) {
            output.NextToken = output.NamedQueryIds->back();
            break;
        }
        output.NamedQueryIds->push_back(at->first);
    }
    co_return output;
}

env::Task<Outcome<wire::UpdateNamedQueryOutput>> AthenaService::UpdateNamedQuery(const CallContext&, wire::UpdateNamedQueryInput input) {
    wire::NamedQuery query;
    {
        const std::lock_guard lock(mutex_);
        const auto found = named_.find(input.NamedQueryId);
        if (found == named_.end()) co_return unexpected(NoQuery(input.NamedQueryId));
        query = found->second;
    }
    query.Name = std::move(input.Name);
    query.QueryString = std::move(input.QueryString);
    if (input.Description) query.Description = std::move(input.Description);
    storage::TableBatch batch;
    batch.Put(kNamed, input.NamedQueryId, api::ToStored(query, wire::shapes::NamedQuery_structure));
    auto saved = co_await deps_.table.Commit(std::move(batch));
    if (!saved) co_return unexpected(Internal(saved.error()));
    const std::lock_guard lock(mutex_);
    named_[input.NamedQueryId] = std::move(query);
    co_return wire::UpdateNamedQueryOutput{};
}

env::Task<Outcome<wire::DeleteNamedQueryOutput>> AthenaService::DeleteNamedQuery(const CallContext&, wire::DeleteNamedQueryInput input) {
    {
        const std::lock_guard lock(mutex_);
        if (!named_.contains(input.NamedQueryId)) co_return unexpected(NoQuery(input.NamedQueryId));
    }
    storage::TableBatch batch;
    batch.Delete(kNamed, input.NamedQueryId);
    auto saved = co_await deps_.table.Commit(std::move(batch));
    if (!saved) co_return unexpected(Internal(saved.error()));
    const std::lock_guard lock(mutex_);
    named_.erase(input.NamedQueryId);
    co_return wire::DeleteNamedQueryOutput{};
}

env::Task<base::Result<void>> AthenaService::PutPrepared(wire::PreparedStatement statement) {
    StatementKey key{statement.WorkGroupName.value_or(""), LowerName(statement.StatementName.value_or(""))};
    {
        const std::lock_guard lock(mutex_);
        const auto first = prepared_.lower_bound({key.first, ""});
        const auto in_group = std::count_if(first, prepared_.end(), [&](const auto& entry) { return entry.first.first == key.first; });
        if (!prepared_.contains(key) && static_cast<size_t>(in_group) >= kMostPrepared) co_return base::Fail(base::ErrorCode::kLimit, "more than 1000 prepared statements in the workgroup");
    }
    storage::TableBatch batch;
    batch.Put(kPrepared, StoredKey(key.first, key.second), api::ToStored(statement, wire::shapes::PreparedStatement_structure));
    CO_RETURN_IF_ERROR(co_await deps_.table.Commit(std::move(batch)));
    const std::lock_guard lock(mutex_);
    prepared_[std::move(key)] = std::move(statement);
    co_return base::Result<void>{};
}

env::Task<base::Result<void>> AthenaService::DeletePrepared(StatementKey key) {
    storage::TableBatch batch;
    batch.Delete(kPrepared, StoredKey(key.first, key.second));
    CO_RETURN_IF_ERROR(co_await deps_.table.Commit(std::move(batch)));
    const std::lock_guard lock(mutex_);
    prepared_.erase(key);
    co_return base::Result<void>{};
}

env::Task<Outcome<wire::CreatePreparedStatementOutput>> AthenaService::CreatePreparedStatement(const CallContext&, wire::CreatePreparedStatementInput input) {
    if (!FindGroup(input.WorkGroup)) co_return unexpected(NoGroup(input.WorkGroup));
    {
        const std::lock_guard lock(mutex_);
        if (prepared_.contains({input.WorkGroup, LowerName(input.StatementName)})) {
            co_return unexpected(errors::InvalidRequestException(fmt::format("PreparedStatement {} already exists in WorkGroup {}", input.StatementName, input.WorkGroup)));
        }
    }
    wire::PreparedStatement statement;
    statement.StatementName = std::move(input.StatementName);
    statement.WorkGroupName = std::move(input.WorkGroup);
    statement.QueryStatement = std::move(input.QueryStatement);
    statement.Description = std::move(input.Description);
    statement.LastModifiedTime = deps_.clock.Now();
    auto saved = co_await PutPrepared(std::move(statement));
    if (!saved) co_return unexpected(saved.error().code == base::ErrorCode::kLimit ? errors::InvalidRequestException(saved.error().message) : Internal(saved.error()));
    co_return wire::CreatePreparedStatementOutput{};
}

env::Task<Outcome<wire::UpdatePreparedStatementOutput>> AthenaService::UpdatePreparedStatement(const CallContext&, wire::UpdatePreparedStatementInput input) {
    wire::PreparedStatement statement;
    {
        const std::lock_guard lock(mutex_);
        const auto found = prepared_.find({input.WorkGroup, LowerName(input.StatementName)});
        if (found == prepared_.end()) co_return unexpected(NoStatement(input.StatementName));
        statement = found->second;
    }
    statement.QueryStatement = std::move(input.QueryStatement);
    if (input.Description) statement.Description = std::move(input.Description);
    statement.LastModifiedTime = deps_.clock.Now();
    auto saved = co_await PutPrepared(std::move(statement));
    if (!saved) co_return unexpected(Internal(saved.error()));
    co_return wire::UpdatePreparedStatementOutput{};
}

env::Task<Outcome<wire::GetPreparedStatementOutput>> AthenaService::GetPreparedStatement(const CallContext&, wire::GetPreparedStatementInput input) {
    const std::lock_guard lock(mutex_);
    const auto found = prepared_.find({input.WorkGroup, LowerName(input.StatementName)});
    if (found == prepared_.end()) co_return unexpected(NoStatement(input.StatementName));
    wire::GetPreparedStatementOutput output;
    output.PreparedStatement = found->second;
    co_return output;
}

env::Task<Outcome<wire::BatchGetPreparedStatementOutput>> AthenaService::BatchGetPreparedStatement(const CallContext&, wire::BatchGetPreparedStatementInput input) {
    if (!FindGroup(input.WorkGroup)) co_return unexpected(NoGroup(input.WorkGroup));
    wire::BatchGetPreparedStatementOutput output;
    output.PreparedStatements.emplace();
    output.UnprocessedPreparedStatementNames.emplace();
    const std::lock_guard lock(mutex_);
    for (const std::string& name : input.PreparedStatementNames) {
        if (const auto found = prepared_.find({input.WorkGroup, LowerName(name)}); found != prepared_.end()) {
            output.PreparedStatements->push_back(found->second);
            continue;
        }
        wire::UnprocessedPreparedStatementName missing;
        missing.StatementName = name;
        missing.ErrorCode = "STATEMENT_NOT_FOUND";
        missing.ErrorMessage = fmt::format("PreparedStatement {} was not found in WorkGroup {}", name, input.WorkGroup);
        output.UnprocessedPreparedStatementNames->push_back(std::move(missing));
    }
    co_return output;
}

env::Task<Outcome<wire::ListPreparedStatementsOutput>> AthenaService::ListPreparedStatements(const CallContext&, wire::ListPreparedStatementsInput input) {
    if (!FindGroup(input.WorkGroup)) co_return unexpected(NoGroup(input.WorkGroup));
    const size_t most = static_cast<size_t>(std::clamp(input.MaxResults.value_or(50), 1, 50));
    wire::ListPreparedStatementsOutput output;
    output.PreparedStatements.emplace();
    const std::lock_guard lock(mutex_);
    for (auto at = prepared_.upper_bound({input.WorkGroup, input.NextToken.value_or("")}); at != prepared_.end() && at->first.first == input.WorkGroup; ++at) {
        if (output.PreparedStatements->size() == most) {
            output.NextToken = LowerName(*output.PreparedStatements->back().StatementName);
            break;
        }
        wire::PreparedStatementSummary summary;
        summary.StatementName = at->second.StatementName;
        summary.LastModifiedTime = at->second.LastModifiedTime;
        output.PreparedStatements->push_back(std::move(summary));
    }
    co_return output;
}

env::Task<Outcome<wire::DeletePreparedStatementOutput>> AthenaService::DeletePreparedStatement(const CallContext&, wire::DeletePreparedStatementInput input) {
    StatementKey key{input.WorkGroup, LowerName(input.StatementName)};
    {
        const std::lock_guard lock(mutex_);
        if (!prepared_.contains(key)) co_return unexpected(NoStatement(input.StatementName));
    }
    auto deleted = co_await DeletePrepared(std::move(key));
    if (!deleted) co_return unexpected(Internal(deleted.error()));
    co_return wire::DeletePreparedStatementOutput{};
}

}  // namespace wellhead::services::athena
