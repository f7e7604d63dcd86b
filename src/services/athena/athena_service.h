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
#include "services/athena/statement_run.h"
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
    ATHENA_OPERATION(GetQueryRuntimeStatistics)
    ATHENA_OPERATION(CreateWorkGroup)
    ATHENA_OPERATION(GetWorkGroup)
    ATHENA_OPERATION(ListWorkGroups)
    ATHENA_OPERATION(UpdateWorkGroup)
    ATHENA_OPERATION(DeleteWorkGroup)
    ATHENA_OPERATION(ListEngineVersions)
    ATHENA_OPERATION(TagResource)
    ATHENA_OPERATION(UntagResource)
    ATHENA_OPERATION(ListTagsForResource)
    ATHENA_OPERATION(CreateNamedQuery)
    ATHENA_OPERATION(GetNamedQuery)
    ATHENA_OPERATION(BatchGetNamedQuery)
    ATHENA_OPERATION(ListNamedQueries)
    ATHENA_OPERATION(UpdateNamedQuery)
    ATHENA_OPERATION(DeleteNamedQuery)
    ATHENA_OPERATION(CreatePreparedStatement)
    ATHENA_OPERATION(GetPreparedStatement)
    ATHENA_OPERATION(BatchGetPreparedStatement)
    ATHENA_OPERATION(ListPreparedStatements)
    ATHENA_OPERATION(UpdatePreparedStatement)
    ATHENA_OPERATION(DeletePreparedStatement)
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
        wire::QueryRuntimeStatistics runtime;
        std::optional<int64_t> update_count;
        // Until it has ended:
        std::expected<sql::athena::Statement, std::string> statement;
        std::string text;  // the statement's: of EXECUTE, what was prepared
        RunContext run;
        std::stop_source stop;
    };
    using StatementKey = std::pair<std::string, std::string>;  // workgroup, name

    AthenaService(AthenaDependencies dependencies, AthenaSettings settings);
    env::Task<base::Result<void>> Load();
    env::Task<base::Result<void>> LoadSaved();
    api::Outcome<std::shared_ptr<Execution>> MakeExecution(const api::CallContext& context, wire::StartQueryExecutionInput input);
    std::expected<sql::athena::Statement, std::string> StatementOf(Execution& execution, const std::string& group);
    env::Task<void> RunExecution(std::shared_ptr<Execution> execution);
    env::Task<Ran> RunStatement(Execution& execution);
    env::Task<Ran> KeepPrepared(Execution& execution);
    env::Task<void> CleanUp(std::string directory);
    void Note(Execution& execution, const Ran& ran);
    env::Task<void> DropOldest();
    env::Task<base::Result<void>> SaveExecution(const Execution& execution, std::optional<std::string> token);
    std::shared_ptr<Execution> Find(const std::string& id) const;
    std::optional<wire::WorkGroup> FindGroup(const std::string& name) const;
    void SetState(Execution& execution, std::string_view state, std::string reason);
    env::Task<base::Result<void>> PutPrepared(wire::PreparedStatement statement);
    env::Task<base::Result<void>> DeletePrepared(StatementKey key);
    env::Task<base::Result<void>> PutGroup(wire::WorkGroup group, std::optional<std::vector<wire::Tag>> tags);
    api::Outcome<std::string> KnownArn(const std::string& arn) const;

    AthenaDependencies deps_;
    AthenaSettings settings_;
    Lake lake_;
    mutable std::mutex mutex_;
    std::map<std::string, std::shared_ptr<Execution>> executions_;
    std::deque<std::string> order_;                // oldest first
    std::map<std::string, std::string> by_token_;  // ClientRequestToken -> id
    std::map<std::string, std::string> token_of_;  // id -> ClientRequestToken
    std::map<std::string, wire::WorkGroup> groups_;
    std::map<std::string, wire::NamedQuery> named_;
    std::map<std::string, std::string> named_by_token_;
    std::map<StatementKey, wire::PreparedStatement> prepared_;
    env::Scope scope_;
};

}  // namespace wellhead::services::athena
