#pragma once
// The crawlers and their history: mirrored in memory, kept in the metadata table.

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "apis/glue/types.h"
#include "base/result.h"
#include "storage/table/table.h"

namespace wellhead::services::glue {

namespace wire = apis::glue;

struct CrawlCounts {
    int32_t created = 0;
    int32_t updated = 0;
    int32_t deleted = 0;
};

struct CrawlerEntry {
    wire::Crawler crawler;
    std::vector<wire::CrawlerHistory> crawls;  // newest first, a limited number
    CrawlCounts counts;                        // of the last crawl
    // Set to ask the running crawl to end; null when none runs.
    std::shared_ptr<std::atomic<bool>> stop;
};

// Thread-safe; changes of one crawler are ordered by its callers.
class CrawlerStore {
  public:
    explicit CrawlerStore(storage::Table& table) : table_(table) {}
    env::Task<base::Result<void>> Load();

    std::optional<CrawlerEntry> Find(const std::string& name) const;
    std::vector<CrawlerEntry> All() const;  // by name
    env::Task<base::Result<void>> Put(wire::Crawler crawler);
    env::Task<base::Result<void>> Delete(std::string name);
    // A crawl that began or ended: takes the place of the one of the same CrawlId.
    env::Task<base::Result<void>> PutCrawl(std::string name, wire::CrawlerHistory crawl, CrawlCounts counts);
    // Whether none ran until now. The state of the crawler is RUNNING from here on.
    bool TryBegin(const std::string& name, std::shared_ptr<std::atomic<bool>> stop);
    void End(const std::string& name);
    // False when none runs.
    bool RequestStop(const std::string& name);

  private:
    storage::Table& table_;
    mutable std::mutex mutex_;
    std::map<std::string, CrawlerEntry> crawlers_;
};

}  // namespace wellhead::services::glue
