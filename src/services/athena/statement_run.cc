#include "services/athena/statement_run.h"

#include <fmt/format.h>

#include <algorithm>

namespace wellhead::services::athena {

using base::ErrorCode;
using std::unexpected;
namespace glue = apis::glue;
namespace sa = sql::athena;

namespace {

constexpr std::string_view kDefaultDatabase = "default";

// The text of DuckDB's message between two marks.
std::optional<std::string> Between(const std::string& text, std::string_view begin, std::string_view end) {
    const size_t from = text.find(begin);
    if (from == std::string::npos) return std::nullopt;
    const size_t to = text.find(end, from + begin.size());
    if (to == std::string::npos) return std::nullopt;
    return text.substr(from + begin.size(), to - from - begin.size());
}

std::string FirstLine(const std::string& text) { return text.substr(0, text.find('\n')); }

}  // namespace

std::string EngineReason(const base::Error& error, const std::string& query) {
    const std::string& text = error.message;
    switch (error.code) {
        case ErrorCode::kLimit:
            if (text == query::kReadLimitExceeded) return std::string(kScanLimitReason);
            return "EXCEEDED_MEMORY_LIMIT: Query exhausted resources at this scale factor: " + text;
        case ErrorCode::kTimeout: return "EXCEEDED_TIME_LIMIT: " + text;
        case ErrorCode::kUnavailable:
        case ErrorCode::kCorrupt: return "GENERIC_INTERNAL_ERROR: " + text;
        case ErrorCode::kPermission: return "PERMISSION_DENIED: " + text;
        default: break;
    }
    const auto place = [&](const std::string& name) {
        const sql::Position at = sa::FindIdentifier(query, name);
        return fmt::format("line {}:{}", at.line, at.column);
    };
    if (const auto name = Between(text, "Referenced column \"", "\"")) {
        return fmt::format("COLUMN_NOT_FOUND: {}: Column '{}' cannot be resolved or requester is not authorized to access requested resources", place(*name), *name);
    }
    if (const auto name = Between(text, "Referenced table \"", "\"")) {
        return fmt::format("COLUMN_NOT_FOUND: {}: Column '{}' cannot be resolved or requester is not authorized to access requested resources", place(*name), *name);
    }
    if (const auto name = Between(text, "Ambiguous reference to column name \"", "\"")) {
        return fmt::format("AMBIGUOUS_NAME: {}: Column '{}' is ambiguous", place(*name), *name);
    }
    if (const auto name = Between(text, "column \"", "\" must appear in the GROUP BY clause")) {
        return fmt::format("EXPRESSION_NOT_AGGREGATE: {}: '{}' must be an aggregate expression or appear in GROUP BY clause", place(*name), *name);
    }
    if (const auto name = Between(text, "No function matches the given name and argument types '", "(")) {
        const std::string types = Between(text, *name + "(", ")'").value_or("");
        return fmt::format("FUNCTION_NOT_FOUND: {}: Unexpected parameters ({}) for function {}", place(*name), types, *name);
    }
    if (text.starts_with("Parser Error")) return "SYNTAX_ERROR: line 1:1: " + FirstLine(text);
    if (text.starts_with("Binder Error")) return "TYPE_MISMATCH: line 1:1: " + FirstLine(text);
    if (text.starts_with("Conversion Error")) return "INVALID_CAST_ARGUMENT: " + FirstLine(text);
    if (text.starts_with("Out of Range Error")) return "NUMERIC_VALUE_OUT_OF_RANGE: " + FirstLine(text);
    if (text.starts_with("Invalid Input Error") || error.code == ErrorCode::kIo) return "HIVE_BAD_DATA: " + FirstLine(text);
    return "GENERIC_USER_ERROR: " + FirstLine(text);
}

std::string MetastoreReason(const api::ServiceError& error) {
    return fmt::format("FAILED: Execution Error, return code 1 from org.apache.hadoop.hive.ql.exec.DDLTask. {}(message:{})", error.code, error.message);
}

StatementRun::StatementRun(RunDependencies dependencies, RunContext context)
    : deps_(dependencies),
      context_(std::move(context)),
      scanner_(deps_.glue, deps_.lake, deps_.engine, deps_.clock, context_.call, context_.directory + "/links") {}

env::Task<Ran> StatementRun::Run(Statement statement, std::string text) {
    text_ = std::move(text);
    env::Task<Ran> task = std::visit([this](const auto& one) { return Do(one); }, statement);
    auto ran = co_await std::move(task);
    if (ran) {
        ran->planning = planning_;
        ran->engine = engine_time_;
    }
    co_return ran;
}

sa::TableName StatementRun::Named(const sa::TableName& name) const {
    sa::TableName named = name;
    if (named.database.empty()) named.database = context_.database;
    for (char& c : named.database) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return named;
}

env::Task<StatementRun::Done<glue::Table>> StatementRun::GetTable(sa::TableName name, bool hive) {
    glue::GetTableRequest get;
    get.DatabaseName = name.database;
    get.Name = name.table;
    auto found = co_await deps_.glue.GetTable(context_.call, std::move(get));
    if (found) co_return std::move(*found->Table);
    if (found.error().code != "EntityNotFoundException") co_return unexpected(MetastoreReason(found.error()));
    if (hive) co_return unexpected(fmt::format("FAILED: SemanticException [Error 10001]: Table not found {}.{}", name.database, name.table));
    if (found.error().message.starts_with("Database") && name.database != kDefaultDatabase) {
        co_return unexpected(fmt::format("SCHEMA_NOT_FOUND: line {}:{}: Schema '{}' does not exist", name.at.line, name.at.column, name.database));
    }
    co_return unexpected(fmt::format("TABLE_NOT_FOUND: line {}:{}: Table 'awsdatacatalog.{}.{}' does not exist", name.at.line, name.at.column, name.database, name.table));
}

env::Task<StatementRun::Done<void>> StatementRun::EnsureDatabase(std::string name) {
    if (name != kDefaultDatabase) co_return Done<void>{};
    glue::CreateDatabaseRequest request;
    request.DatabaseInput.Name = name;
    request.DatabaseInput.Description = "Default Hive database";
    auto made = co_await deps_.glue.CreateDatabase(context_.call, std::move(request));
    if (!made && made.error().code != "AlreadyExistsException") co_return unexpected(MetastoreReason(made.error()));
    co_return Done<void>{};
}

env::Task<StatementRun::Done<void>> StatementRun::UpdateTable(glue::Table table) {
    glue::UpdateTableRequest update;
    update.DatabaseName = *table.DatabaseName;
    update.VersionId = table.VersionId;
    update.TableInput = ToInput(table);
    auto updated = co_await deps_.glue.UpdateTable(context_.call, std::move(update));
    if (!updated) co_return unexpected(MetastoreReason(updated.error()));
    co_return Done<void>{};
}

env::Task<StatementRun::Done<std::vector<glue::Partition>>> StatementRun::GetPartitions(sa::TableName name, std::string expression) {
    std::vector<glue::Partition> all;
    std::optional<std::string> token;
    do {
        glue::GetPartitionsRequest request;
        request.DatabaseName = name.database;
        request.TableName = name.table;
        if (!expression.empty()) request.Expression = expression;
        request.NextToken = token;
        auto page = co_await deps_.glue.GetPartitions(context_.call, std::move(request));
        if (!page) co_return unexpected(MetastoreReason(page.error()));
        for (glue::Partition& partition : *page->Partitions) all.push_back(std::move(partition));
        token = page->NextToken;
    } while (token);
    co_return all;
}

env::Task<Ran> StatementRun::Text(std::vector<query::Column> columns, std::string text) {
    RunResult result;
    result.columns = std::move(columns);
    result.output_bytes = text.size();
    result.output_rows = static_cast<uint64_t>(std::count(text.begin(), text.end(), '\n'));
    auto place = ParseS3(context_.output);
    if (!place) co_return unexpected(place.error().message);
    auto put = co_await deps_.lake.PutText(context_.call, std::move(*place), "text/plain", std::move(text));
    if (!put) co_return unexpected("PERMISSION_DENIED: the result cannot be written: " + put.error().message);
    co_return result;
}

env::Task<StatementRun::Done<StatementRun::Ready>> StatementRun::Prepare(std::string text) {
    const base::Tick begin = deps_.clock.Ticks();
    sa::TranslationContext names;
    names.database = context_.database;
    names.parameters = context_.parameters;
    auto translation = sa::TranslateQuery(text, names);
    if (!translation) co_return unexpected(translation.error().Text());
    if (translation->parameters < context_.parameters.size()) {
        co_return unexpected(fmt::format("INVALID_PARAMETER_USAGE: line 1:1: Incorrect number of parameters: expected {} but found {}", translation->parameters,
                                         context_.parameters.size()));
    }
    auto plan = co_await scanner_.Plan(std::move(translation->tables));
    if (!plan) co_return unexpected(plan.error().Text());
    Ready ready;
    ready.query.setup = std::move(plan->setup);
    ready.query.sql = std::move(translation->sql);
    ready.query.readable_files = std::move(plan->readable_files);
    ready.query.max_read_bytes = context_.scan_limit;
    ready.holds = std::move(plan->holds);
    ready.unnamed_columns = std::move(translation->unnamed_columns);
    planning_ += deps_.clock.Ticks() - begin;
    co_return ready;
}

env::Task<StatementRun::Done<query::Answer>> StatementRun::RunEngine(query::Query query) {
    const base::Tick begin = deps_.clock.Ticks();
    auto answer = co_await deps_.engine.Run(std::move(query), context_.stop);
    engine_time_ += deps_.clock.Ticks() - begin;
    if (!answer) co_return unexpected(EngineReason(answer.error(), text_));
    co_return std::move(*answer);
}

env::Task<StatementRun::Done<std::vector<query::Column>>> StatementRun::ColumnsOf(const Ready& ready) {
    query::Query question = ready.query;
    question.sql = fmt::format("SELECT * FROM ({}) LIMIT 0", ready.query.sql);
    auto answer = co_await RunEngine(std::move(question));
    if (!answer) co_return unexpected(answer.error());
    co_return std::move(answer->columns);
}

env::Task<Ran> StatementRun::Do(const sa::SelectQuery& statement) {
    auto ready = co_await Prepare(statement.query.text);
    if (!ready) co_return unexpected(ready.error());
    // Beside the run's directory: to make that takes longer than a short query.
    const std::string path = context_.directory + ".csv";
    ready->query.result_file = path;
    auto answer = co_await RunEngine(std::move(ready->query));
    if (!answer) co_return unexpected(answer.error());
    const base::Tick begin = deps_.clock.Ticks();
    auto place = ParseS3(context_.output);
    if (!place) co_return unexpected(place.error().message);
    auto put = co_await deps_.lake.PutFile(context_.call, std::move(*place), "application/octet-stream", path);
    if (!put) co_return unexpected("PERMISSION_DENIED: the result cannot be written: " + put.error().message);
    RunResult result;
    result.columns = std::move(answer->columns);
    result.scanned_bytes = answer->read_bytes;
    result.output_rows = answer->row_count;
    result.output_bytes = answer->result_bytes;
    result.storing = deps_.clock.Ticks() - begin;
    co_return result;
}

env::Task<Ran> StatementRun::Do(const sa::Explain& statement) {
    auto ready = co_await Prepare(statement.query.text);
    if (!ready) co_return unexpected(ready.error());
    std::string options = statement.analyze ? "ANALYZE" : "";
    if (statement.json) options += options.empty() ? "FORMAT json" : ", FORMAT json";
    ready->query.sql = options.empty() ? "EXPLAIN " + ready->query.sql : fmt::format("EXPLAIN ({}) {}", options, ready->query.sql);
    auto answer = co_await RunEngine(std::move(ready->query));
    if (!answer) co_return unexpected(answer.error());
    std::string text;
    for (const auto& row : answer->rows) text += row.back().value_or("");
    if (!text.empty() && text.back() != '\n') text += '\n';
    auto ran = co_await Text(StringColumns("Query Plan"), std::move(text));
    if (ran && statement.analyze) ran->scanned_bytes = answer->read_bytes;
    co_return ran;
}

// The service answers these itself: it keeps the prepared statements.
env::Task<Ran> StatementRun::Do(const sa::Prepare&) { return Nothing(); }
env::Task<Ran> StatementRun::Do(const sa::Execute&) { return Nothing(); }
env::Task<Ran> StatementRun::Do(const sa::Deallocate&) { return Nothing(); }

}  // namespace wellhead::services::athena
