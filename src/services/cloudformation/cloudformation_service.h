#pragma once
// AWS CloudFormation, as its API. An operation on a stack goes on in the background, and after a restart from where it was.

#include <memory>
#include <mutex>

#include "apis/cloudformation/api.h"
#include "apis/s3/api.h"
#include "env/clock.h"
#include "env/random.h"
#include "env/scope.h"
#include "env/turnstile.h"
#include "pipeline/deployer.h"
#include "services/cloudformation/stack_shelf.h"
#include "services/cloudformation/wishes.h"

namespace wellhead::services::cloudformation {

namespace wire = apis::cloudformation;

struct CloudFormationSettings {
    std::string account_id = "000000000000";
    std::string region = "us-east-1";
};

// All outlive the service. s3: where TemplateURL points.
struct CloudFormationDependencies {
    env::Clock& clock;
    env::Random& random;
    storage::Table& table;
    pipeline::ResourceProviders& providers;
    apis::s3::S3Api& s3;
    env::Executor executor;
};

class CloudFormationService final : public apis::cloudformation::CloudformationApi {
  public:
    // Reads the stacks. Nothing goes on before Resume().
    static env::Task<base::Result<std::unique_ptr<CloudFormationService>>> Open(CloudFormationDependencies dependencies,
                                                                                CloudFormationSettings settings);
    ~CloudFormationService() override;
    // Operations that a stop cut off go on, once the providers' services serve.
    void Resume();
    // Operations under way stop where they are.
    env::Task<void> Close();

#define CLOUDFORMATION_OPERATION(Name) \
    env::Task<api::Outcome<wire::Name##Output>> Name(const api::CallContext& context, wire::Name##Input input) override;
    CLOUDFORMATION_OPERATION(CreateChangeSet)
    CLOUDFORMATION_OPERATION(CreateStack)
    CLOUDFORMATION_OPERATION(DeleteChangeSet)
    CLOUDFORMATION_OPERATION(DeleteStack)
    CLOUDFORMATION_OPERATION(DescribeChangeSet)
    CLOUDFORMATION_OPERATION(DescribeStackEvents)
    CLOUDFORMATION_OPERATION(DescribeStackResource)
    CLOUDFORMATION_OPERATION(DescribeStackResources)
    CLOUDFORMATION_OPERATION(DescribeStacks)
    CLOUDFORMATION_OPERATION(ExecuteChangeSet)
    CLOUDFORMATION_OPERATION(GetTemplate)
    CLOUDFORMATION_OPERATION(GetTemplateSummary)
    CLOUDFORMATION_OPERATION(ListChangeSets)
    CLOUDFORMATION_OPERATION(ListExports)
    CLOUDFORMATION_OPERATION(ListImports)
    CLOUDFORMATION_OPERATION(ListStackResources)
    CLOUDFORMATION_OPERATION(ListStacks)
    CLOUDFORMATION_OPERATION(UpdateStack)
    CLOUDFORMATION_OPERATION(UpdateTerminationProtection)
    CLOUDFORMATION_OPERATION(ValidateTemplate)
#undef CLOUDFORMATION_OPERATION

  private:
    // An operation that goes on in the background.
    struct Working {
        std::atomic<bool> give_up{false};
        std::optional<pipeline::StackOperation> then;  // what follows when it gave up; guarded by mutex_
        std::vector<StackShelf::ChangeSetPointer> change_sets;  // of the stack, when it began
    };
    CloudFormationService(CloudFormationDependencies dependencies, CloudFormationSettings settings);
    env::Task<api::Outcome<pipeline::StackWish>> WishOf(const api::CallContext& context, WishRequest request,
                                                        const pipeline::Stack* before);
    env::Task<api::Outcome<std::string>> TemplateText(const api::CallContext& context, std::optional<std::string> body,
                                                     std::optional<std::string> url);
    pipeline::Stack NewStack(std::string name);
    env::Task<api::Outcome<void>> Start(const api::CallContext& context, pipeline::Stack stack,
                                        pipeline::StackOperation operation, std::string change_set_id);
    void SpawnWork(api::CallContext context, std::string stack_id, std::string change_set_id);
    env::Task<void> Work(api::CallContext context, pipeline::Stack stack, std::shared_ptr<Working> working,
                         std::string change_set_id);
    env::Task<void> EndWork(pipeline::Stack stack, std::shared_ptr<Working> working, std::string change_set_id);
    api::Outcome<StackShelf::StackPointer> Existing(const std::string& name_or_id) const;
    api::Outcome<StackShelf::ChangeSetPointer> ExistingSet(const std::string& name_or_id,
                                                           const std::optional<std::string>& stack_name) const;
    std::string ArnOf(std::string_view kind, std::string_view name);

    CloudFormationDependencies deps_;
    const CloudFormationSettings settings_;
    StackShelf shelf_;
    pipeline::Deployer deployer_;
    env::Turnstile turnstile_;  // look at a stack, then begin on it
    mutable std::mutex mutex_;
    std::map<std::string, std::shared_ptr<Working>> working_;  // by stack id
    env::Scope scope_;
};

}  // namespace wellhead::services::cloudformation
