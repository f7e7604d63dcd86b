#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>

#include "apis/glue/errors.h"
#include "base/log.h"
#include "env/deadline.h"
#include "services/glue/crawl.h"
#include "services/glue/cron.h"
#include "services/glue/glue_service.h"
#include "services/glue/paging.h"

namespace wellhead::services::glue {

namespace errors = apis::glue;
using api::CallContext;
using api::Outcome;
using std::unexpected;

namespace {

api::ServiceError NoCrawler(const std::string& name) {
    return errors::EntityNotFoundException(fmt::format("Crawler {} not found.", name));
}

Outcome<void> CheckTargets(const wire::CrawlerTargets& targets) {
    const auto none = [](const auto& list) { return !list || list->empty(); };
    if (!none(targets.JdbcTargets) || !none(targets.MongoDBTargets) || !none(targets.DynamoDBTargets) ||
        !none(targets.DeltaTargets) || !none(targets.IcebergTargets) || !none(targets.HudiTargets)) {
        return unexpected(errors::InvalidInputException("Only S3 and catalog targets are served."));
    }
    if (!none(targets.CatalogTargets)) {
        if (!none(targets.S3Targets)) return unexpected(errors::InvalidInputException("A crawler's targets are in S3 or in the catalog, not both."));
        for (const wire::CatalogTarget& target : *targets.CatalogTargets) {
            if (target.EventQueueArn || target.DlqEventQueueArn || target.ConnectionName) {
                return unexpected(errors::InvalidInputException("Event queues and connections of catalog targets are not served."));
            }
        }
        return {};
    }
    if (none(targets.S3Targets)) return unexpected(errors::InvalidInputException("A crawler needs a target."));
    for (const wire::S3Target& target : *targets.S3Targets) {
        const std::string path = target.Path.value_or("");
        if (path.empty() || path == "s3://" || path.starts_with("/")) {
            return unexpected(errors::InvalidInputException(fmt::format("'{}' is not an S3 path.", path)));
        }
        if (target.EventQueueArn || target.ConnectionName) {
            return unexpected(errors::InvalidInputException("Event queues and connections of S3 targets are not served."));
        }
    }
    return {};
}

Outcome<void> CheckConfiguration(const std::optional<std::string>& configuration) {
    if (!configuration || configuration->empty()) return {};
    boost::system::error_code error;
    const auto json = boost::json::parse(*configuration, error);
    if (error || !json.is_object()) return unexpected(errors::InvalidInputException("Configuration is not a JSON object."));
    return {};
}

Outcome<std::optional<wire::Schedule>> MakeSchedule(const std::optional<std::string>& expression) {
    if (!expression || expression->empty()) return std::optional<wire::Schedule>();
    if (auto parsed = CronSchedule::Parse(*expression); !parsed) {
        return unexpected(errors::InvalidInputException(parsed.error().message));
    }
    wire::Schedule schedule;
    schedule.ScheduleExpression = *expression;
    schedule.State = wire::ScheduleState::kScheduled;
    return std::optional<wire::Schedule>(std::move(schedule));
}

// The crawler as the API shows it.
wire::Crawler Shown(const CrawlerEntry& entry, base::Instant now) {
    wire::Crawler crawler = entry.crawler;
    crawler.State = !entry.stop ? wire::CrawlerState::kReady
                    : entry.stop->load() ? wire::CrawlerState::kStopping
                                         : wire::CrawlerState::kRunning;
    crawler.CrawlElapsedTime = 0;
    for (const wire::CrawlerHistory& crawl : entry.crawls) {
        if (crawl.State == wire::CrawlerHistoryState::kRunning) {
            crawler.CrawlElapsedTime = base::ToUnixMs(now) - base::ToUnixMs(*crawl.StartTime);
            continue;
        }
        wire::LastCrawlInfo last;
        last.Status = crawl.State == wire::CrawlerHistoryState::kCompleted ? wire::LastCrawlStatus::kSucceeded
                      : crawl.State == wire::CrawlerHistoryState::kStopped ? wire::LastCrawlStatus::kCancelled
                                                                           : wire::LastCrawlStatus::kFailed;
        last.ErrorMessage = crawl.ErrorMessage;
        last.LogGroup = crawl.LogGroup;
        last.LogStream = crawl.LogStream;
        last.MessagePrefix = crawl.MessagePrefix;
        last.StartTime = crawl.StartTime;
        crawler.LastCrawl = std::move(last);
        break;
    }
    return crawler;
}

}  // namespace

GlueService::GlueService(GlueDependencies dependencies, GlueSettings settings)
    : deps_(std::move(dependencies)), settings_(std::move(settings)), catalog_(deps_.table), crawlers_(deps_.table) {}
GlueService::~GlueService() = default;

env::Task<base::Result<std::unique_ptr<GlueService>>> GlueService::Open(GlueDependencies dependencies, GlueSettings settings) {
    std::unique_ptr<GlueService> service(new GlueService(std::move(dependencies), std::move(settings)));
    CO_RETURN_IF_ERROR(co_await service->catalog_.Load());
    CO_RETURN_IF_ERROR(co_await service->crawlers_.Load());
    for (const CrawlerEntry& entry : service->crawlers_.All()) {
        if (entry.crawls.empty() || entry.crawls.front().State != wire::CrawlerHistoryState::kRunning) continue;
        // Broken off by a crash: told so, and begun anew.
        wire::CrawlerHistory crawl = entry.crawls.front();
        crawl.State = wire::CrawlerHistoryState::kFailed;
        crawl.EndTime = service->deps_.clock.Now();
        crawl.ErrorMessage = "The server stopped during the crawl.";
        const CrawlCounts none;
        CO_RETURN_IF_ERROR(co_await service->crawlers_.PutCrawl(*entry.crawler.Name, std::move(crawl), none));
        auto begun = service->BeginCrawl(*entry.crawler.Name);
        if (!begun) base::LogWarning("glue", "crawler {}: {}", *entry.crawler.Name, begun.error().message);
    }
    env::Spawn(service->scope_, service->deps_.executor, "glue schedules", service->RunSchedules());
    co_return service;
}

env::Task<void> GlueService::Close() {
    for (const CrawlerEntry& entry : crawlers_.All()) crawlers_.RequestStop(*entry.crawler.Name);
    co_await scope_.Close();
}

env::Task<void> GlueService::RunSchedules() {
    int64_t minute = base::ToUnixMs(deps_.clock.Now()) / 60000;
    while (true) {
        co_await env::Sleep(std::chrono::seconds(1));
        const base::Instant now = deps_.clock.Now();
        if (base::ToUnixMs(now) / 60000 == minute) continue;
        minute = base::ToUnixMs(now) / 60000;
        for (const CrawlerEntry& entry : crawlers_.All()) {
            const auto& schedule = entry.crawler.Schedule;
            if (!schedule || schedule->State != wire::ScheduleState::kScheduled) continue;
            const auto cron = CronSchedule::Parse(schedule->ScheduleExpression.value_or(""));
            if (!cron || !cron->Matches(now)) continue;
            // One that runs still is left to it.
            if (auto begun = BeginCrawl(*entry.crawler.Name); !begun) {
                base::LogInfo("glue", "scheduled crawl of {}: {}", *entry.crawler.Name, begun.error().message);
            }
        }
    }
}

Outcome<void> GlueService::BeginCrawl(const std::string& name) {
    auto stop = std::make_shared<std::atomic<bool>>(false);
    if (!crawlers_.Find(name)) return unexpected(NoCrawler(name));
    if (!crawlers_.TryBegin(name, stop)) {
        return unexpected(errors::CrawlerRunningException(fmt::format("Crawler with name {} has already started.", name)));
    }
    env::Spawn(scope_, deps_.executor, "crawl " + name, RunCrawl(name, std::move(stop)));
    return {};
}

env::Task<void> GlueService::RunCrawl(std::string name, std::shared_ptr<std::atomic<bool>> stop) {
    const auto entry = crawlers_.Find(name);
    wire::CrawlerHistory crawl;
    crawl.CrawlId = env::RandomUuid(deps_.random);
    crawl.State = wire::CrawlerHistoryState::kRunning;
    crawl.StartTime = deps_.clock.Now();
    crawl.LogGroup = "/aws-glue/crawlers";
    crawl.LogStream = name;
    crawl.MessagePrefix = crawl.CrawlId;
    const CrawlCounts none;
    auto noted = co_await crawlers_.PutCrawl(name, crawl, none);
    if (!noted) base::LogError("glue", "crawler {}: {}", name, noted.error().message);

    CallContext context;
    context.request_id = *crawl.CrawlId;
    context.account_id = settings_.account_id;
    context.region = settings_.region;
    context.caller.account_id = settings_.account_id;
    context.caller.arn = entry->crawler.Role.value_or("");
    context.caller.authenticated = true;
    context.caller.root = true;
    Crawl run(*this, deps_.s3, deps_.files, deps_.engine, std::move(context), entry->crawler, stop);
    auto counts = co_await run.Run();

    crawl.EndTime = deps_.clock.Now();
    if (counts) {
        crawl.State = wire::CrawlerHistoryState::kCompleted;
        crawl.Summary = fmt::format(R"({{"TABLE":{{"ADD":"{{\"Details\":{{}},\"Count\":{}}}","UPDATE":"{{\"Details\":{{}},\"Count\":{}}}"}}}})",
                                    counts->created, counts->updated);
    } else {
        const bool stopped = counts.error().code == base::ErrorCode::kCancelled;
        crawl.State = stopped ? wire::CrawlerHistoryState::kStopped : wire::CrawlerHistoryState::kFailed;
        crawl.ErrorMessage = counts.error().message;
        base::LogWarning("glue", "crawler {}: {}", name, counts.error().message);
    }
    const CrawlCounts counted = counts.value_or(none);
    auto ended = co_await crawlers_.PutCrawl(name, std::move(crawl), counted);
    if (!ended) base::LogError("glue", "crawler {}: {}", name, ended.error().message);
    crawlers_.End(name);
}

env::Task<Outcome<wire::CreateCrawlerResponse>> GlueService::CreateCrawler(const CallContext&, wire::CreateCrawlerRequest input) {
    auto pass = co_await catalog_.turnstile().Enter();
    if (crawlers_.Find(input.Name)) {
        co_return unexpected(errors::AlreadyExistsException(fmt::format("{} already exists", input.Name)));
    }
    if (auto checked = CheckTargets(input.Targets); !checked) co_return unexpected(checked.error());
    if (auto checked = CheckConfiguration(input.Configuration); !checked) co_return unexpected(checked.error());
    auto schedule = MakeSchedule(input.Schedule);
    if (!schedule) co_return unexpected(schedule.error());
    wire::Crawler crawler;
    crawler.Name = input.Name;
    crawler.Role = std::move(input.Role);
    crawler.Targets = std::move(input.Targets);
    crawler.DatabaseName = input.DatabaseName ? LowerCase(*input.DatabaseName) : std::string("default");
    crawler.Description = std::move(input.Description);
    crawler.Classifiers = input.Classifiers.value_or(std::vector<std::string>{});
    crawler.TablePrefix = std::move(input.TablePrefix);
    crawler.SchemaChangePolicy = input.SchemaChangePolicy.value_or(wire::SchemaChangePolicy{});
    if (!crawler.SchemaChangePolicy->UpdateBehavior) crawler.SchemaChangePolicy->UpdateBehavior = wire::UpdateBehavior::kUpdateInDatabase;
    if (!crawler.SchemaChangePolicy->DeleteBehavior) crawler.SchemaChangePolicy->DeleteBehavior = wire::DeleteBehavior::kDeprecateInDatabase;
    crawler.RecrawlPolicy = input.RecrawlPolicy.value_or(wire::RecrawlPolicy{std::string(wire::RecrawlBehavior::kCrawlEverything)});
    crawler.LineageConfiguration = input.LineageConfiguration.value_or(wire::LineageConfiguration{std::string("DISABLE")});
    crawler.LakeFormationConfiguration = std::move(input.LakeFormationConfiguration);
    crawler.Configuration = std::move(input.Configuration);
    crawler.CrawlerSecurityConfiguration = std::move(input.CrawlerSecurityConfiguration);
    crawler.Schedule = std::move(*schedule);
    crawler.CreationTime = crawler.LastUpdated = deps_.clock.Now();
    crawler.Version = 1;
    const std::string arn = Arn("crawler/" + input.Name);
    auto put = co_await crawlers_.Put(std::move(crawler));
    if (!put) co_return unexpected(ToServiceError(put.error()));
    if (input.Tags) {
        auto tagged = co_await catalog_.PutTags(arn, *input.Tags);
        if (!tagged) co_return unexpected(ToServiceError(tagged.error()));
    }
    co_return wire::CreateCrawlerResponse{};
}

env::Task<Outcome<wire::UpdateCrawlerResponse>> GlueService::UpdateCrawler(const CallContext&, wire::UpdateCrawlerRequest input) {
    auto pass = co_await catalog_.turnstile().Enter();
    const auto entry = crawlers_.Find(input.Name);
    if (!entry) co_return unexpected(NoCrawler(input.Name));
    if (entry->stop) co_return unexpected(errors::CrawlerRunningException(fmt::format("Crawler {} is running.", input.Name)));
    if (auto checked = CheckConfiguration(input.Configuration); !checked) co_return unexpected(checked.error());
    if (input.Targets) {
        if (auto checked = CheckTargets(*input.Targets); !checked) co_return unexpected(checked.error());
    }
    wire::Crawler crawler = entry->crawler;
    const auto take = [](auto& to, auto& from) {
        if (from) to = std::move(from);
    };
    take(crawler.Role, input.Role);
    take(crawler.Targets, input.Targets);
    take(crawler.DatabaseName, input.DatabaseName);
    take(crawler.Description, input.Description);
    take(crawler.Classifiers, input.Classifiers);
    take(crawler.TablePrefix, input.TablePrefix);
    take(crawler.SchemaChangePolicy, input.SchemaChangePolicy);
    take(crawler.RecrawlPolicy, input.RecrawlPolicy);
    take(crawler.LineageConfiguration, input.LineageConfiguration);
    take(crawler.LakeFormationConfiguration, input.LakeFormationConfiguration);
    take(crawler.Configuration, input.Configuration);
    take(crawler.CrawlerSecurityConfiguration, input.CrawlerSecurityConfiguration);
    if (input.Schedule) {
        auto schedule = MakeSchedule(input.Schedule);
        if (!schedule) co_return unexpected(schedule.error());
        crawler.Schedule = std::move(*schedule);
    }
    crawler.LastUpdated = deps_.clock.Now();
    crawler.Version = crawler.Version.value_or(1) + 1;
    auto put = co_await crawlers_.Put(std::move(crawler));
    if (!put) co_return unexpected(ToServiceError(put.error()));
    co_return wire::UpdateCrawlerResponse{};
}

env::Task<Outcome<wire::DeleteCrawlerResponse>> GlueService::DeleteCrawler(const CallContext&, wire::DeleteCrawlerRequest input) {
    auto pass = co_await catalog_.turnstile().Enter();
    const auto entry = crawlers_.Find(input.Name);
    if (!entry) co_return unexpected(NoCrawler(input.Name));
    if (entry->stop) co_return unexpected(errors::CrawlerRunningException(fmt::format("Crawler {} is running.", input.Name)));
    auto deleted = co_await crawlers_.Delete(input.Name);
    if (!deleted) co_return unexpected(ToServiceError(deleted.error()));
    co_return wire::DeleteCrawlerResponse{};
}

env::Task<Outcome<wire::GetCrawlerResponse>> GlueService::GetCrawler(const CallContext&, wire::GetCrawlerRequest input) {
    const auto entry = crawlers_.Find(input.Name);
    if (!entry) co_return unexpected(NoCrawler(input.Name));
    wire::GetCrawlerResponse output;
    output.Crawler = Shown(*entry, deps_.clock.Now());
    co_return output;
}

env::Task<Outcome<wire::GetCrawlersResponse>> GlueService::GetCrawlers(const CallContext&, wire::GetCrawlersRequest input) {
    const auto all = crawlers_.All();
    const auto page = TakePage(all.size(), input.NextToken, input.MaxResults, 100);
    if (!page) co_return unexpected(errors::OperationTimeoutException("The NextToken is not one of ours."));
    wire::GetCrawlersResponse output;
    output.Crawlers.emplace();
    for (size_t i = page->begin; i < page->end; ++i) output.Crawlers->push_back(Shown(all[i], deps_.clock.Now()));
    output.NextToken = page->next;
    co_return output;
}

env::Task<Outcome<wire::BatchGetCrawlersResponse>> GlueService::BatchGetCrawlers(const CallContext&,
                                                                                 wire::BatchGetCrawlersRequest input) {
    wire::BatchGetCrawlersResponse output;
    output.Crawlers.emplace();
    output.CrawlersNotFound.emplace();
    for (const std::string& name : input.CrawlerNames) {
        if (const auto entry = crawlers_.Find(name)) output.Crawlers->push_back(Shown(*entry, deps_.clock.Now()));
        else output.CrawlersNotFound->push_back(name);
    }
    co_return output;
}

env::Task<Outcome<wire::ListCrawlersResponse>> GlueService::ListCrawlers(const CallContext&, wire::ListCrawlersRequest input) {
    const auto all = crawlers_.All();
    const auto page = TakePage(all.size(), input.NextToken, input.MaxResults, 100);
    if (!page) co_return unexpected(errors::OperationTimeoutException("The NextToken is not one of ours."));
    wire::ListCrawlersResponse output;
    output.CrawlerNames.emplace();
    for (size_t i = page->begin; i < page->end; ++i) output.CrawlerNames->push_back(*all[i].crawler.Name);
    output.NextToken = page->next;
    co_return output;
}

env::Task<Outcome<wire::GetCrawlerMetricsResponse>> GlueService::GetCrawlerMetrics(const CallContext&,
                                                                                   wire::GetCrawlerMetricsRequest input) {
    wire::GetCrawlerMetricsResponse output;
    output.CrawlerMetricsList.emplace();
    for (const CrawlerEntry& entry : crawlers_.All()) {
        const auto& names = input.CrawlerNameList;
        if (names && !names->empty() && std::find(names->begin(), names->end(), *entry.crawler.Name) == names->end()) continue;
        wire::CrawlerMetrics metrics;
        metrics.CrawlerName = entry.crawler.Name;
        metrics.TimeLeftSeconds = 0;
        metrics.StillEstimating = entry.stop != nullptr;
        std::vector<double> seconds;
        for (const wire::CrawlerHistory& crawl : entry.crawls) {
            if (crawl.EndTime) seconds.push_back(static_cast<double>(base::ToUnixMs(*crawl.EndTime) - base::ToUnixMs(*crawl.StartTime)) / 1000);
        }
        metrics.LastRuntimeSeconds = seconds.empty() ? 0 : seconds.front();
        std::sort(seconds.begin(), seconds.end());
        metrics.MedianRuntimeSeconds = seconds.empty() ? 0 : seconds[seconds.size() / 2];
        metrics.TablesCreated = entry.counts.created;
        metrics.TablesUpdated = entry.counts.updated;
        metrics.TablesDeleted = entry.counts.deleted;
        output.CrawlerMetricsList->push_back(std::move(metrics));
    }
    co_return output;
}

env::Task<Outcome<wire::ListCrawlsResponse>> GlueService::ListCrawls(const CallContext&, wire::ListCrawlsRequest input) {
    const auto entry = crawlers_.Find(input.CrawlerName);
    if (!entry) co_return unexpected(NoCrawler(input.CrawlerName));
    if (input.Filters && !input.Filters->empty()) {
        co_return unexpected(errors::InvalidInputException("Filters of ListCrawls are not served."));
    }
    const auto page = TakePage(entry->crawls.size(), input.NextToken, input.MaxResults, 100);
    if (!page) co_return unexpected(errors::InvalidInputException("The NextToken is not one of ours."));
    wire::ListCrawlsResponse output;
    output.Crawls = {entry->crawls.begin() + static_cast<long>(page->begin), entry->crawls.begin() + static_cast<long>(page->end)};
    output.NextToken = page->next;
    co_return output;
}

env::Task<Outcome<wire::StartCrawlerResponse>> GlueService::StartCrawler(const CallContext&, wire::StartCrawlerRequest input) {
    auto begun = BeginCrawl(input.Name);
    if (!begun) co_return unexpected(begun.error());
    co_return wire::StartCrawlerResponse{};
}

env::Task<Outcome<wire::StopCrawlerResponse>> GlueService::StopCrawler(const CallContext&, wire::StopCrawlerRequest input) {
    if (!crawlers_.Find(input.Name)) co_return unexpected(NoCrawler(input.Name));
    if (!crawlers_.RequestStop(input.Name)) {
        co_return unexpected(errors::CrawlerNotRunningException(fmt::format("Crawler with name {} isn't running", input.Name)));
    }
    co_return wire::StopCrawlerResponse{};
}

env::Task<Outcome<wire::StartCrawlerScheduleResponse>> GlueService::StartCrawlerSchedule(
    const CallContext&, wire::StartCrawlerScheduleRequest input) {
    auto pass = co_await catalog_.turnstile().Enter();
    const auto entry = crawlers_.Find(input.CrawlerName);
    if (!entry) co_return unexpected(NoCrawler(input.CrawlerName));
    if (!entry->crawler.Schedule) co_return unexpected(errors::NoScheduleException("The crawler has no schedule."));
    if (entry->crawler.Schedule->State == wire::ScheduleState::kScheduled) {
        co_return unexpected(errors::SchedulerRunningException("The schedule is running."));
    }
    wire::Crawler crawler = entry->crawler;
    crawler.Schedule->State = wire::ScheduleState::kScheduled;
    auto put = co_await crawlers_.Put(std::move(crawler));
    if (!put) co_return unexpected(ToServiceError(put.error()));
    co_return wire::StartCrawlerScheduleResponse{};
}

env::Task<Outcome<wire::StopCrawlerScheduleResponse>> GlueService::StopCrawlerSchedule(const CallContext&,
                                                                                       wire::StopCrawlerScheduleRequest input) {
    auto pass = co_await catalog_.turnstile().Enter();
    const auto entry = crawlers_.Find(input.CrawlerName);
    if (!entry) co_return unexpected(NoCrawler(input.CrawlerName));
    if (!entry->crawler.Schedule || entry->crawler.Schedule->State != wire::ScheduleState::kScheduled) {
        co_return unexpected(errors::SchedulerNotRunningException("The schedule is not running."));
    }
    wire::Crawler crawler = entry->crawler;
    crawler.Schedule->State = wire::ScheduleState::kNotScheduled;
    auto put = co_await crawlers_.Put(std::move(crawler));
    if (!put) co_return unexpected(ToServiceError(put.error()));
    co_return wire::StopCrawlerScheduleResponse{};
}

env::Task<Outcome<wire::UpdateCrawlerScheduleResponse>> GlueService::UpdateCrawlerSchedule(
    const CallContext&, wire::UpdateCrawlerScheduleRequest input) {
    auto pass = co_await catalog_.turnstile().Enter();
    const auto entry = crawlers_.Find(input.CrawlerName);
    if (!entry) co_return unexpected(NoCrawler(input.CrawlerName));
    auto schedule = MakeSchedule(input.Schedule);
    if (!schedule) co_return unexpected(schedule.error());
    wire::Crawler crawler = entry->crawler;
    crawler.Schedule = std::move(*schedule);
    auto put = co_await crawlers_.Put(std::move(crawler));
    if (!put) co_return unexpected(ToServiceError(put.error()));
    co_return wire::UpdateCrawlerScheduleResponse{};
}

}  // namespace wellhead::services::glue
