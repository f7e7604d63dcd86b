#pragma once
// What the page shows of the pipeline's resources, gathered through the generated APIs as the page's own JSON
// (console/src/api.ts).

#include <boost/json/value.hpp>

#include "codec/form.h"
#include "services/console/console.h"

namespace wellhead::services::console {

namespace json = boost::json;

using JsonOutcome = api::Outcome<json::value>;

// One request of the page.
struct ResourceCall {
    Apis apis;
    api::CallContext context;
    codec::Form query;
    json::object body;  // of a POST
};

env::Task<JsonOutcome> ListStreams(const ResourceCall& call);
env::Task<JsonOutcome> ListShards(const ResourceCall& call);
// The newest records of one shard, of the last minutes.
env::Task<JsonOutcome> ListRecords(const ResourceCall& call, base::Instant now);
env::Task<JsonOutcome> ListThings(const ResourceCall& call);
env::Task<JsonOutcome> GetThing(const ResourceCall& call);
env::Task<JsonOutcome> ListBuckets(const ResourceCall& call);
env::Task<JsonOutcome> ListObjects(const ResourceCall& call);
env::Task<JsonOutcome> ListTables(const ResourceCall& call);
env::Task<JsonOutcome> GetTable(const ResourceCall& call);
env::Task<JsonOutcome> ListPartitions(const ResourceCall& call);
env::Task<JsonOutcome> ListCrawlers(const ResourceCall& call);
env::Task<JsonOutcome> StartCrawler(const ResourceCall& call);
env::Task<JsonOutcome> StartQuery(const ResourceCall& call);
env::Task<JsonOutcome> StopQuery(const ResourceCall& call);
env::Task<JsonOutcome> GetQuery(const ResourceCall& call);
env::Task<JsonOutcome> ListQueries(const ResourceCall& call);
env::Task<JsonOutcome> GetResults(const ResourceCall& call);

// A download; an error as JSON.
env::Task<net::HttpResponse> DownloadObject(const ResourceCall& call);

net::HttpResponse ErrorAnswer(const api::ServiceError& error);
net::HttpResponse JsonAnswer(int status, const json::value& value);
api::ServiceError NotServed(std::string_view what);

// Adds name when value is there.
template <class T>
void AddIf(json::object& object, std::string_view name, const std::optional<T>& value) {
    if (value) object[name] = json::value_from(*value);
}
inline void AddTime(json::object& object, std::string_view name, const std::optional<api::Timestamp>& value) {
    if (value) object[name] = base::ToUnixMs(*value);
}

}  // namespace wellhead::services::console
