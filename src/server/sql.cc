#include "server/sql.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "apis/athena/client.h"
#include "apis/s3/client.h"
#include "env/deadline.h"
#include "env/posix/posix.h"
#include "env/random.h"
#include "server/result_table.h"
#include "server/running_server.h"

namespace wellhead::server {

namespace {

namespace athena = apis::athena;
using api::Outcome;
using std::unexpected;

constexpr auto kFirstLook = std::chrono::milliseconds(10);
constexpr auto kLongestLook = std::chrono::milliseconds(500);

bool IsNumeric(std::string_view type) {
    static constexpr std::string_view kNumeric[] = {"tinyint", "smallint", "integer", "bigint", "float", "double"};
    return std::ranges::find(kNumeric, type) != std::end(kNumeric) || type.starts_with("decimal");
}

// One query and its result.
class Query {
  public:
    Query(RunningServer& server, SqlOptions options)
        : options_(std::move(options)),
          context_(server.Context()),
          athena_(athena::MakeClient(server.transport(), context_.region)),
          s3_(apis::s3::MakeClient(server.transport(), context_.region)) {}

    env::Task<int> Run() {
        auto done = co_await Carry();
        if (done) co_return 0;
        std::fflush(stdout);
        fmt::print(stderr, "wellhead: {}\n", done.error().message);
        co_return 1;
    }

    // After an interruption: the server is not to go on for nobody.
    env::Task<void> Cancel() {
        if (!asked_) co_return;
        // The answer may have been on its way: the same token asked again names the same execution.
        athena::StartQueryExecutionInput again = *asked_;
        auto started = co_await athena_->StartQueryExecution(context_, std::move(again));
        if (!started) co_return;  // there is none
        id_ = started->QueryExecutionId.value_or("");
        athena::StopQueryExecutionInput input;
        input.QueryExecutionId = id_;
        auto stopped = co_await athena_->StopQueryExecution(context_, std::move(input));
        if (!stopped) fmt::print(stderr, "wellhead: {}\n", stopped.error().message);
    }

  private:
    env::Task<Outcome<void>> Carry() {
        auto location = co_await OutputLocation();
        if (!location) co_return unexpected(location.error());
        athena::StartQueryExecutionInput input;
        input.QueryString = options_.statement;
        input.WorkGroup = options_.work_group;
        input.ClientRequestToken = env::RandomUuid(*env::posix::MakeRandom());
        if (!options_.database.empty()) {
            athena::QueryExecutionContext where;
            where.Database = options_.database;
            input.QueryExecutionContext = std::move(where);
        }
        if (!location->empty()) {
            athena::ResultConfiguration result;
            result.OutputLocation = *location;
            input.ResultConfiguration = std::move(result);
        }
        asked_ = input;
        auto started = co_await athena_->StartQueryExecution(context_, std::move(input));
        if (!started) co_return unexpected(started.error());
        id_ = started->QueryExecutionId.value_or("");
        auto ended = co_await WaitForEnd();
        if (!ended) co_return ended;
        co_return co_await PrintResult();
    }

    // Empty: the work group has one.
    env::Task<Outcome<std::string>> OutputLocation() {
        if (!options_.output_location.empty()) co_return options_.output_location;
        athena::GetWorkGroupInput input;
        input.WorkGroup = options_.work_group;
        auto group = co_await athena_->GetWorkGroup(context_, std::move(input));
        if (!group) co_return unexpected(group.error());
        const auto& configuration = group->WorkGroup->Configuration;
        bool has_one = configuration && configuration->ResultConfiguration &&
                       configuration->ResultConfiguration->OutputLocation.value_or("").size() > 0;
        if (has_one) co_return std::string();
        // The bucket that AWS's console and libraries make for this, by name.
        std::string bucket = fmt::format("aws-athena-query-results-{}-{}", context_.account_id, context_.region);
        apis::s3::HeadBucketRequest head;
        head.Bucket = bucket;
        auto there = co_await s3_->HeadBucket(context_, std::move(head));
        if (!there) {
            apis::s3::CreateBucketRequest create;
            create.Bucket = bucket;
            if (context_.region != "us-east-1") {
                apis::s3::CreateBucketConfiguration where;
                where.LocationConstraint = context_.region;
                create.CreateBucketConfiguration = std::move(where);
            }
            auto created = co_await s3_->CreateBucket(context_, std::move(create));
            if (!created) co_return unexpected(created.error());
        }
        co_return "s3://" + bucket + "/";
    }

    env::Task<Outcome<void>> WaitForEnd() {
        for (auto look = kFirstLook;; look = std::min(look * 2, kLongestLook)) {
            athena::GetQueryExecutionInput input;
            input.QueryExecutionId = id_;
            auto got = co_await athena_->GetQueryExecution(context_, std::move(input));
            if (!got) co_return unexpected(got.error());
            const auto& status = got->QueryExecution->Status;
            std::string state = status->State.value_or("");
            if (state == athena::QueryExecutionState::kSucceeded) co_return Outcome<void>();
            if (state == athena::QueryExecutionState::kFailed || state == athena::QueryExecutionState::kCancelled) {
                co_return unexpected(
                    api::ServiceError{"QueryFailed", status->StateChangeReason.value_or(state), 400, {}});
            }
            co_await env::Sleep(look);
        }
    }

    env::Task<Outcome<void>> PrintResult() {
        std::optional<ResultTable> table;
        athena::GetQueryResultsInput input;
        input.QueryExecutionId = id_;
        size_t count = 0;
        do {
            auto page = co_await athena_->GetQueryResults(context_, input);
            if (!page) co_return unexpected(page.error());
            std::vector<ResultColumn> columns = ColumnsOf(*page);
            if (columns.empty()) co_return Outcome<void>();
            std::vector<Cells> rows = RowsOf(*page);
            bool first = !table.has_value();
            if (first && !rows.empty() && IsHeader(rows.front(), columns)) rows.erase(rows.begin());
            if (first) {
                table.emplace(columns, rows);
                Cells names;
                for (const auto& column : columns) names.emplace_back(column.name);
                fmt::print("{}", options_.csv ? CsvLine(names) : table->Header());
            }
            for (const auto& row : rows) fmt::print("{}", options_.csv ? CsvLine(row) : table->Line(row));
            count += rows.size();
            input.NextToken = page->NextToken;
        } while (input.NextToken);
        if (!options_.csv) fmt::print("({} {})\n", count, count == 1 ? "row" : "rows");
        co_return Outcome<void>();
    }

    static std::vector<ResultColumn> ColumnsOf(const athena::GetQueryResultsOutput& page) {
        std::vector<ResultColumn> columns;
        if (!page.ResultSet || !page.ResultSet->ResultSetMetadata) return columns;
        const auto& described = page.ResultSet->ResultSetMetadata->ColumnInfo;
        if (!described) return columns;
        for (const auto& column : *described) columns.push_back({column.Name, IsNumeric(column.Type)});
        return columns;
    }

    static std::vector<Cells> RowsOf(athena::GetQueryResultsOutput& page) {
        std::vector<Cells> rows;
        if (!page.ResultSet->Rows) return rows;
        for (auto& row : *page.ResultSet->Rows) {
            Cells& cells = rows.emplace_back();
            if (!row.Data) continue;
            for (auto& datum : *row.Data) cells.push_back(std::move(datum.VarCharValue));
        }
        return rows;
    }

    // Athena's first row of a SELECT holds the names.
    static bool IsHeader(const Cells& row, const std::vector<ResultColumn>& columns) {
        return std::ranges::equal(row, columns, {}, {}, &ResultColumn::name);
    }

    const SqlOptions options_;
    const api::CallContext context_;
    const std::unique_ptr<athena::AthenaApi> athena_;
    const std::unique_ptr<apis::s3::S3Api> s3_;
    std::optional<athena::StartQueryExecutionInput> asked_;
    std::string id_;
};

}  // namespace

int RunSql(const SqlOptions& options, const std::string& data_dir) {
    auto server = RunningServer::Find(data_dir);
    if (!server) {
        fmt::print(stderr, "wellhead: {}\n", server.error().message);
        return 1;
    }
    Query query(**server, options);
    return (*server)->Run(query.Run(), [&query] { return query.Cancel(); });
}

}  // namespace wellhead::server
