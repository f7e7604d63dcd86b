// wellhead: one program, its commands.

#include <fmt/format.h>

#include <csignal>

#include "query/duckdb/worker.h"
#include "server/deploy_stack.h"
#include "server/options.h"
#include "server/simulate.h"
#include "server/sql.h"
#include "server/status.h"
#include "server/up.h"

namespace wellhead::server {

namespace {

int Run(const Options& options) {
    switch (options.command) {
        case Command::kUp: return RunUp(options.up);
        case Command::kDeploy: return RunDeploy(options.deploy, options.data_dir);
        case Command::kSql: return RunSql(options.sql, options.data_dir);
        case Command::kEnv: return RunEnv(options);
        case Command::kStatus: return RunStatus(options);
        case Command::kSimulate: return RunSimulate(options.simulate);
        case Command::kSqlWorker: return query::duckdb::RunSqlWorker(options.worker_fd);
        case Command::kVersion: fmt::print("wellhead {}\n", WELLHEAD_VERSION); return 0;
    }
    return 2;
}

}  // namespace

}  // namespace wellhead::server

int main(int argc, char** argv) {
    // A peer that goes away is an error of its write, not a signal.
    std::signal(SIGPIPE, SIG_IGN);
    auto options = wellhead::server::ParseOptions(argc, argv);
    if (!options) return options.error();
    return wellhead::server::Run(*options);
}
