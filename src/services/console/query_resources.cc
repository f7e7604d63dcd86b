// SQL queries.

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value_from.hpp>

#include "apis/athena/api.h"
#include "services/console/resources.h"

namespace wellhead::services::console {

namespace athena = apis::athena;

namespace {

constexpr int32_t kHistory = 50;
constexpr int32_t kPage = 500;

std::string TextOf(const json::object& body, std::string_view name) {
    const json::value* member = body.if_contains(name);
    return member != nullptr && member->is_string() ? std::string(member->get_string()) : std::string();
}

json::object ToQuery(const athena::QueryExecution& query) {
    json::object out{{"id", query.QueryExecutionId.value_or("")}, {"sql", query.Query.value_or("")}};
    if (query.QueryExecutionContext) AddIf(out, "database", query.QueryExecutionContext->Database);
    out["state"] = "QUEUED";
    if (query.Status) {
        out["state"] = query.Status->State.value_or("QUEUED");
        AddIf(out, "reason", query.Status->StateChangeReason);
        if (query.Status->AthenaError && query.Status->AthenaError->ErrorMessage) {
            out["reason"] = *query.Status->AthenaError->ErrorMessage;
        }
        AddTime(out, "submitted", query.Status->SubmissionDateTime);
    }
    if (query.Statistics) {
        AddIf(out, "millis", query.Statistics->TotalExecutionTimeInMillis);
        AddIf(out, "scannedBytes", query.Statistics->DataScannedInBytes);
    }
    if (query.ResultConfiguration) AddIf(out, "output", query.ResultConfiguration->OutputLocation);
    return out;
}

// The work group to ask in: the first that is enabled and knows where results go, else "primary".
env::Task<std::string> WorkGroup(const ResourceCall& call) {
    athena::ListWorkGroupsInput every;
    auto groups = co_await call.apis.athena->ListWorkGroups(call.context, every);
    if (!groups || !groups->WorkGroups) co_return "primary";
    for (const auto& group : *groups->WorkGroups) {
        if (group.State.value_or("ENABLED") == "ENABLED" && group.Name.value_or("primary") != "primary") {
            co_return *group.Name;
        }
    }
    co_return "primary";
}

}  // namespace

env::Task<JsonOutcome> StartQuery(const ResourceCall& call) {
    if (call.apis.athena == nullptr) co_return std::unexpected(NotServed("Athena"));
    athena::StartQueryExecutionInput input;
    input.QueryString = TextOf(call.body, "sql");
    std::string database = TextOf(call.body, "database");
    if (!database.empty()) input.QueryExecutionContext.emplace().Database = database;
    input.WorkGroup = co_await WorkGroup(call);
    CO_ASSIGN_OR_RETURN(auto started, co_await call.apis.athena->StartQueryExecution(call.context, std::move(input)));
    json::object out{{"id", started.QueryExecutionId.value_or("")}};
    co_return out;
}

env::Task<JsonOutcome> StopQuery(const ResourceCall& call) {
    if (call.apis.athena == nullptr) co_return std::unexpected(NotServed("Athena"));
    athena::StopQueryExecutionInput input;
    input.QueryExecutionId = TextOf(call.body, "id");
    CO_RETURN_IF_ERROR(co_await call.apis.athena->StopQueryExecution(call.context, std::move(input)));
    co_return json::object();
}

env::Task<JsonOutcome> GetQuery(const ResourceCall& call) {
    if (call.apis.athena == nullptr) co_return std::unexpected(NotServed("Athena"));
    athena::GetQueryExecutionInput input;
    input.QueryExecutionId = call.query.Get("id");
    CO_ASSIGN_OR_RETURN(auto found, co_await call.apis.athena->GetQueryExecution(call.context, std::move(input)));
    if (!found.QueryExecution) co_return std::unexpected(NotServed("this query"));
    co_return ToQuery(*found.QueryExecution);
}

env::Task<JsonOutcome> ListQueries(const ResourceCall& call) {
    json::array out;
    if (call.apis.athena == nullptr) co_return out;
    athena::ListQueryExecutionsInput input;
    input.WorkGroup = co_await WorkGroup(call);
    input.MaxResults = kHistory;
    CO_ASSIGN_OR_RETURN(auto page, co_await call.apis.athena->ListQueryExecutions(call.context, std::move(input)));
    if (!page.QueryExecutionIds || page.QueryExecutionIds->empty()) co_return out;
    athena::BatchGetQueryExecutionInput ask;
    ask.QueryExecutionIds = *page.QueryExecutionIds;
    CO_ASSIGN_OR_RETURN(auto queries, co_await call.apis.athena->BatchGetQueryExecution(call.context, std::move(ask)));
    if (!queries.QueryExecutions) co_return out;
    auto& found = *queries.QueryExecutions;
    std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
        auto time = [](const auto& query) {
            return query.Status ? query.Status->SubmissionDateTime.value_or(api::Timestamp()) : api::Timestamp();
        };
        return time(a) > time(b);
    });
    for (const auto& query : found) out.push_back(ToQuery(query));
    co_return out;
}

env::Task<JsonOutcome> GetResults(const ResourceCall& call) {
    if (call.apis.athena == nullptr) co_return std::unexpected(NotServed("Athena"));
    athena::GetQueryResultsInput input;
    input.QueryExecutionId = call.query.Get("id");
    input.MaxResults = kPage;
    auto next = call.query.Find("next");
    if (next) input.NextToken = *next;
    CO_ASSIGN_OR_RETURN(auto page, co_await call.apis.athena->GetQueryResults(call.context, std::move(input)));
    json::array columns;
    json::array rows;
    if (page.ResultSet) {
        const auto& set = *page.ResultSet;
        std::vector<std::string> names;
        if (set.ResultSetMetadata && set.ResultSetMetadata->ColumnInfo) {
            for (const auto& column : *set.ResultSetMetadata->ColumnInfo) {
                columns.push_back(json::object{{"name", column.Name}, {"type", column.Type}});
                names.push_back(column.Name);
            }
        }
        bool first = !next;
        for (const auto& row : set.Rows.value_or(std::vector<athena::Row>())) {
            json::array cells;
            std::vector<std::string> texts;
            for (const auto& datum : row.Data.value_or(std::vector<athena::Datum>())) {
                texts.push_back(datum.VarCharValue.value_or(""));
                cells.push_back(datum.VarCharValue ? json::value(*datum.VarCharValue) : json::value(nullptr));
            }
            // Athena repeats a SELECT's column names as the first row of the first page.
            if (std::exchange(first, false) && texts == names) continue;
            rows.push_back(std::move(cells));
        }
    }
    json::object out;
    out["columns"] = std::move(columns);
    out["rows"] = std::move(rows);
    AddIf(out, "next", page.NextToken);
    co_return out;
}

}  // namespace wellhead::services::console
