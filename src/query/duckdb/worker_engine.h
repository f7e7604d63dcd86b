#pragma once
// WorkerEngine: the SQL engine in processes of its own. A query that crashes, loops or eats memory takes its worker
// along and nothing else.

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "env/blocking_pool.h"
#include "query/duckdb/message.h"
#include "query/engine.h"

namespace wellhead::query::duckdb {

struct WorkerSettings {
    // The program and its arguments before the socket's number: {"/proc/self/exe", "sql-worker"}. It calls RunSqlWorker
    // with the number.
    std::vector<std::string> command;
    WorkerLimits limits;
    // Workers kept for the next query.
    size_t idle_workers = 2;
};

// Each running query holds one thread of the pool: the pool's size is the number of queries at once, the rest waits.
class WorkerEngine : public SqlEngine {
  public:
    // The pool outlives the engine and every Run.
    WorkerEngine(env::BlockingPool& pool, WorkerSettings settings);
    ~WorkerEngine() override;

    env::Task<base::Result<Answer>> Run(Query query, std::stop_token stop) override;

    // Starts a worker ahead of the first query. Blocks.
    base::Result<void> Warm();

  private:
    class Worker;
    base::Result<std::unique_ptr<Worker>> Take();
    void Keep(std::unique_ptr<Worker> worker);
    base::Result<Answer> RunOn(Worker& worker, const Query& query, const std::stop_token& stop);
    base::Result<Answer> RunBlocking(const Query& query, const std::stop_token& stop);

    env::BlockingPool& pool_;
    WorkerSettings settings_;
    std::mutex mutex_;
    std::vector<std::unique_ptr<Worker>> idle_;
};

}  // namespace wellhead::query::duckdb
