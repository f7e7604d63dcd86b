#include "services/glue/crawler_store.h"

#include <algorithm>

#include "apis/glue/shapes.h"
#include "api/stored.h"

namespace wellhead::services::glue {

using base::Result;
namespace shapes = apis::glue::shapes;

namespace {
constexpr const char* kCrawlers = "glue/crawlers";
constexpr const char* kCrawls = "glue/crawls";
constexpr size_t kKeptCrawls = 100;
}  // namespace

env::Task<Result<void>> CrawlerStore::Load() {
    CO_ASSIGN_OR_RETURN(auto crawlers, co_await table_.Scan(kCrawlers, storage::PrefixRange("")));
    CO_ASSIGN_OR_RETURN(auto crawls, co_await table_.Scan(kCrawls, storage::PrefixRange("")));
    const std::lock_guard lock(mutex_);
    for (const auto& entry : crawlers) {
        CO_ASSIGN_OR_RETURN(auto crawler, api::FromStored<wire::Crawler>(entry.value, shapes::Crawler_structure));
        crawlers_[entry.key].crawler = std::move(crawler);
    }
    for (const auto& entry : crawls) {
        CO_ASSIGN_OR_RETURN(auto crawl, api::FromStored<wire::CrawlerHistory>(entry.value, shapes::CrawlerHistory_structure));
        const auto found = crawlers_.find(entry.key.substr(0, entry.key.find('\0')));
        if (found != crawlers_.end()) found->second.crawls.push_back(std::move(crawl));
    }
    for (auto& [name, entry] : crawlers_) {
        std::sort(entry.crawls.begin(), entry.crawls.end(),
                  [](const auto& a, const auto& b) { return a.StartTime > b.StartTime; });
    }
    co_return Result<void>{};
}

std::optional<CrawlerEntry> CrawlerStore::Find(const std::string& name) const {
    const std::lock_guard lock(mutex_);
    const auto found = crawlers_.find(name);
    if (found == crawlers_.end()) return std::nullopt;
    return found->second;
}

std::vector<CrawlerEntry> CrawlerStore::All() const {
    const std::lock_guard lock(mutex_);
    std::vector<CrawlerEntry> all;
    for (const auto& [name, entry] : crawlers_) all.push_back(entry);
    return all;
}

env::Task<Result<void>> CrawlerStore::Put(wire::Crawler crawler) {
    const std::string name = crawler.Name.value_or("");
    storage::TableBatch batch;
    batch.Put(kCrawlers, name, api::ToStored(crawler, shapes::Crawler_structure));
    CO_RETURN_IF_ERROR(co_await table_.Commit(std::move(batch)));
    const std::lock_guard lock(mutex_);
    crawlers_[name].crawler = std::move(crawler);
    co_return Result<void>{};
}

env::Task<Result<void>> CrawlerStore::Delete(std::string name) {
    storage::TableBatch batch;
    batch.Delete(kCrawlers, name);
    const std::string prefix = name + '\0';
    CO_ASSIGN_OR_RETURN(auto crawls, co_await table_.Scan(kCrawls, storage::PrefixRange(prefix)));
    for (auto& entry : crawls) batch.Delete(kCrawls, std::move(entry.key));
    CO_RETURN_IF_ERROR(co_await table_.Commit(std::move(batch)));
    const std::lock_guard lock(mutex_);
    crawlers_.erase(name);
    co_return Result<void>{};
}

env::Task<Result<void>> CrawlerStore::PutCrawl(std::string name, wire::CrawlerHistory crawl, CrawlCounts counts) {
    storage::TableBatch batch;
    batch.Put(kCrawls, name + '\0' + crawl.CrawlId.value_or(""), api::ToStored(crawl, shapes::CrawlerHistory_structure));
    {
        const std::lock_guard lock(mutex_);
        const auto found = crawlers_.find(name);
        if (found == crawlers_.end()) co_return Result<void>{};
        found->second.counts = counts;
        auto& crawls = found->second.crawls;
        const auto same = std::find_if(crawls.begin(), crawls.end(), [&](const auto& c) { return c.CrawlId == crawl.CrawlId; });
        if (same != crawls.end()) *same = std::move(crawl);
        else crawls.insert(crawls.begin(), std::move(crawl));
        while (crawls.size() > kKeptCrawls) {
            batch.Delete(kCrawls, name + '\0' + crawls.back().CrawlId.value_or(""));
            crawls.pop_back();
        }
    }
    co_return co_await table_.Commit(std::move(batch));
}

bool CrawlerStore::TryBegin(const std::string& name, std::shared_ptr<std::atomic<bool>> stop) {
    const std::lock_guard lock(mutex_);
    const auto found = crawlers_.find(name);
    if (found == crawlers_.end() || found->second.stop) return false;
    found->second.stop = std::move(stop);
    return true;
}

void CrawlerStore::End(const std::string& name) {
    const std::lock_guard lock(mutex_);
    if (const auto found = crawlers_.find(name); found != crawlers_.end()) found->second.stop.reset();
}

bool CrawlerStore::RequestStop(const std::string& name) {
    const std::lock_guard lock(mutex_);
    const auto found = crawlers_.find(name);
    if (found == crawlers_.end() || !found->second.stop) return false;
    found->second.stop->store(true);
    return true;
}

}  // namespace wellhead::services::glue
