#pragma once
// Amazon Athena, as its API.

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>

#include "apis/athena/api.h"
#include "env/blocking_pool.h"
#include "env/clock.h"
#include "env/files.h"
#include "env/random.h"
#include "env/scope.h"
#include "services/athena/table_scan.h"
#include "storage/table/table.h"

namespace wellhead::services::athena {

namespace wire = apis::athena;

struct AthenaSettings {
    std::string account_id = "000000000000";
    std::string region = "us-east-1";
    std::string work_directory;  // of this service alone: emptied at start
};

// All outlive the service.
struct AthenaDependencies {
    env::Clock& clock;
    env::Random& random;
    env::Files& files;
    env::BlockingPool& pool;
    storage::Table& table;
    apis::glue::GlueApi& glue;
    apis::s3::S3Api& s3;
    query::ObjectFiles& objects;
    query::SqlEngine& engine;
    env::Executor executor;
};

class AthenaService : public apis::athena::AthenaApi {
  public:
    // Executions that a crash broke off are FAILED, and say why.
    static env::Task<base::Result<std::unique_ptr<AthenaService>>> Open(AthenaDependencies dependencies, AthenaSettings settings);
    ~AthenaService() override;
    env::Task<void> Close();

#define ATHENA_OPERATION(Name) \
    env::Task<api::Outcome<wire::Name##Output>> Name(const api::CallContext& context, wire::Name##Input input) override;
    ATHENA_OPERATION(StartQueryExecution)
    ATHENA_OPERATION(StopQueryExecution)
    ATHENA_OPERATION(GetQueryExecution)
    ATHENA_OPERATION(BatchGetQueryExecution)
    ATHENA_OPERATION(ListQueryExecutions)
    ATHENA_OPERATION(GetQueryResults)
    ATHENA_OPERATION(CreateWorkGroup)
    ATHENA_OPERATION(GetWorkGroup)
    ATHENA_OPERATION(ListWorkGroups)
    ATHENA_OPERATION(DeleteWorkGroup)
    ATHENA_OPERATION(ListDataCatalogs)
    ATHENA_OPERATION(GetDataCatalog)
    ATHENA_OPERATION(ListDatabases)
    ATHENA_OPERATION(GetDatabase)
    ATHENA_OPERATION(ListTableMetadata)
    ATHENA_OPERATION(GetTableMetadata)
#undef ATHENA_OPERATION

  private:
    struct Execution {
        wire::QueryExecution shown;
        wire::ResultSetMetadata metadata;
        std::stop_source stop;
        api::CallContext context;
    };
    struct Done {
        std::vector<query::Column> columns;
        uint64_t scanned_bytes = 0;
    };
    AthenaService(AthenaDependencies dependencies, AthenaSettings settings);
    env::Task<base::Result<void>> Load();
    env::Task<void> RunExecution(std::shared_ptr<Execution> execution);
    env::Task<std::expected<Done, std::string>> RunQuery(Execution& execution);
    env::Task<std::expected<Done, std::string>> RunStatement(Execution& execution, std::vector<std::string> words);
    env::Task<base::Result<void>> PutResult(const api::CallContext& context, std::string location, base::Bytes bytes);
    env::Task<base::Result<void>> SaveExecution(const Execution& execution);
    std::shared_ptr<Execution> Find(const std::string& id) const;
    std::optional<wire::WorkGroup> FindGroup(const std::string& name) const;
    void SetState(Execution& execution, std::string_view state, std::string reason);

    AthenaDependencies deps_;
    AthenaSettings settings_;
    TableScanner scanner_;
    mutable std::mutex mutex_;
    std::map<std::string, std::shared_ptr<Execution>> executions_;
    std::deque<std::string> order_;                // oldest first
    std::map<std::string, std::string> by_token_;  // ClientRequestToken -> id
    std::map<std::string, wire::WorkGroup> groups_;
    env::Scope scope_;
};

}  // namespace wellhead::services::athena
