// What a query answered: rows by page, read from the result where it lies, and where its time went.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "apis/athena/errors.h"
#include "services/athena/athena_service.h"
#include "services/athena/result_page.h"

namespace wellhead::services::athena {

using api::CallContext;
using api::Outcome;
using std::unexpected;
namespace errors = apis::athena;

namespace {
constexpr size_t kMostPageBytes = size_t{64} << 20;
}

env::Task<Outcome<wire::GetQueryResultsOutput>> AthenaService::GetQueryResults(const CallContext& context, wire::GetQueryResultsInput input) {
    auto execution = Find(input.QueryExecutionId);
    if (!execution) co_return unexpected(errors::InvalidRequestException(fmt::format("QueryExecution {} was not found", input.QueryExecutionId)));
    wire::GetQueryResultsOutput output;
    output.UpdateCount = 0;
    output.ResultSet.emplace().Rows.emplace();
    std::string state;
    std::string location;
    {
        const std::lock_guard lock(mutex_);
        state = *execution->shown.Status->State;
        location = *execution->shown.ResultConfiguration->OutputLocation;
        output.ResultSet->ResultSetMetadata = execution->metadata;
        if (execution->update_count) output.UpdateCount = *execution->update_count;
        if (input.QueryResultType == wire::QueryResultType::kDataManifest) location = execution->shown.Statistics->DataManifestLocation.value_or("");
    }
    if (state == wire::QueryExecutionState::kQueued || state == wire::QueryExecutionState::kRunning) {
        co_return unexpected(errors::InvalidRequestException(fmt::format("Query has not yet finished. Current state: {}", state)));
    }
    if (state != wire::QueryExecutionState::kSucceeded) {
        co_return unexpected(errors::InvalidRequestException(fmt::format("Query did not finish successfully. Final query state: {}", state)));
    }
    const bool manifest = location.ends_with("-manifest.csv");
    const bool csv = location.ends_with(".csv") && !manifest;
    // Statements that write elsewhere have no rows of their own.
    if (!csv && !manifest && !location.ends_with(".txt")) co_return output;
    uint64_t offset = 0;
    if (input.NextToken) {
        const char* end = input.NextToken->data() + input.NextToken->size();
        const auto read = std::from_chars(input.NextToken->data(), end, offset);
        if (read.ec != std::errc() || read.ptr != end) co_return unexpected(errors::InvalidRequestException("The NextToken is not one of ours."));
    }
    apis::s3::GetObjectRequest request;
    auto place = ParseS3(location);
    if (!place) co_return unexpected(errors::InternalServerException(place.error().message));
    request.Bucket = std::move(place->bucket);
    request.Key = std::move(place->key);
    if (offset > 0) request.Range = fmt::format("bytes={}-", offset);
    auto object = co_await deps_.s3.GetObject(context, std::move(request));
    // Text of no rows is an empty object.
    if (!object) co_return unexpected(errors::InvalidRequestException(fmt::format("Could not find results: {}", object.error().message)));
    const size_t most = static_cast<size_t>(std::clamp(input.MaxResults.value_or(1000), 1, 1000));
    std::string text;
    bool last = false;
    size_t consumed = 0;
    std::vector<CsvRow> rows;
    while (rows.size() < most && !last) {
        auto piece = co_await object->Body->Read();
        if (!piece) co_return unexpected(errors::InternalServerException(piece.error().message));
        last = piece->empty();
        text += *piece;
        if (text.size() > kMostPageBytes) break;
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
    if (rows.empty() && !last) co_return unexpected(errors::InvalidRequestException("A row of the result is longer than a page may be: read it in the bucket."));
    for (CsvRow& row : rows) {
        wire::Row made;
        made.Data.emplace();
        for (auto& cell : row) made.Data->push_back(wire::Datum{std::move(cell)});
        output.ResultSet->Rows->push_back(std::move(made));
    }
    if (!last && consumed == text.size()) {
        auto piece = co_await object->Body->Read();
        last = !piece || piece->empty();
    }
    if (consumed < text.size() || !last) output.NextToken = std::to_string(offset + consumed);
    co_return output;
}

env::Task<Outcome<wire::GetQueryRuntimeStatisticsOutput>> AthenaService::GetQueryRuntimeStatistics(const CallContext&,
                                                                                                   wire::GetQueryRuntimeStatisticsInput input) {
    auto execution = Find(input.QueryExecutionId);
    if (!execution) co_return unexpected(errors::InvalidRequestException(fmt::format("QueryExecution {} was not found", input.QueryExecutionId)));
    wire::GetQueryRuntimeStatisticsOutput output;
    const std::lock_guard lock(mutex_);
    output.QueryRuntimeStatistics = execution->runtime;
    co_return output;
}

}  // namespace wellhead::services::athena
