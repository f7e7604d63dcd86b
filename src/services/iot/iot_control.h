#pragma once
// The control API of AWS IoT: things, types, certificates, policies, attachments, rules and tags over the registry.

#include <string>

#include "api/service.h"
#include "apis/iot/api.h"
#include "env/blocking_pool.h"
#include "env/clock.h"
#include "env/random.h"
#include "mqtt/ports.h"
#include "services/iot/certificate_authority.h"
#include "services/iot/registry.h"
#include "services/iot/rules_engine.h"

namespace wellhead::services::iot {

namespace wire = apis::iot;

struct ControlSettings {
    std::string region;
    std::string account_id;
    // What DescribeEndpoint answers, for every kind of endpoint: "host" or "host:port".
    std::string endpoint;
    // What an authority proves to know when it is registered.
    std::string registration_code;
};

// Every reference outlives the object.
class IotControl final : public wire::IotApi {
  public:
    IotControl(Registry& registry, RulesEngine& rules, const CertificateAuthority& authority, env::Clock& clock,
               env::Random& random, env::BlockingPool& pool, ControlSettings settings)
        : registry_(registry),
          rules_(rules),
          authority_(authority),
          clock_(clock),
          random_(random),
          pool_(pool),
          settings_(std::move(settings)) {}

    // Compiles the rules that the registry holds and gives them to the engine.
    base::Result<void> RefreshRules();
    void SetBroker(mqtt::BrokerControl* broker) { broker_ = broker; }

#define WELLHEAD_IOT_OPERATION(Name, Input, Output) \
    env::Task<api::Outcome<wire::Output>> Name(const api::CallContext& context, wire::Input input) override;
#define WELLHEAD_IOT_CALL(Name) WELLHEAD_IOT_OPERATION(Name, Name##Request, Name##Response)
#define WELLHEAD_IOT_ACTION(Name) WELLHEAD_IOT_OPERATION(Name, Name##Request, Name##Output)
    // control_things.cc
    WELLHEAD_IOT_CALL(CreateThing)
    WELLHEAD_IOT_CALL(UpdateThing)
    WELLHEAD_IOT_CALL(DeleteThing)
    WELLHEAD_IOT_CALL(DescribeThing)
    WELLHEAD_IOT_CALL(ListThings)
    WELLHEAD_IOT_CALL(AttachThingPrincipal)
    WELLHEAD_IOT_CALL(DetachThingPrincipal)
    WELLHEAD_IOT_CALL(ListThingPrincipals)
    WELLHEAD_IOT_CALL(ListPrincipalThings)
    WELLHEAD_IOT_CALL(CreateThingType)
    WELLHEAD_IOT_CALL(DeprecateThingType)
    WELLHEAD_IOT_CALL(DeleteThingType)
    WELLHEAD_IOT_CALL(DescribeThingType)
    WELLHEAD_IOT_CALL(ListThingTypes)
    WELLHEAD_IOT_CALL(UpdateThingType)
    WELLHEAD_IOT_CALL(ListThingPrincipalsV2)
    WELLHEAD_IOT_CALL(ListPrincipalThingsV2)
    // control_groups.cc
    WELLHEAD_IOT_CALL(CreateThingGroup)
    WELLHEAD_IOT_CALL(DescribeThingGroup)
    WELLHEAD_IOT_CALL(UpdateThingGroup)
    WELLHEAD_IOT_CALL(DeleteThingGroup)
    WELLHEAD_IOT_CALL(ListThingGroups)
    WELLHEAD_IOT_CALL(AddThingToThingGroup)
    WELLHEAD_IOT_CALL(RemoveThingFromThingGroup)
    WELLHEAD_IOT_CALL(ListThingsInThingGroup)
    WELLHEAD_IOT_CALL(ListThingGroupsForThing)
    WELLHEAD_IOT_CALL(UpdateThingGroupsForThing)
    // control_authorization.cc
    WELLHEAD_IOT_CALL(GetEffectivePolicies)
    WELLHEAD_IOT_CALL(TestAuthorization)
    // control_certificates.cc
    WELLHEAD_IOT_CALL(CreateKeysAndCertificate)
    WELLHEAD_IOT_CALL(CreateCertificateFromCsr)
    WELLHEAD_IOT_CALL(RegisterCertificate)
    WELLHEAD_IOT_CALL(RegisterCertificateWithoutCA)
    WELLHEAD_IOT_CALL(DescribeCertificate)
    WELLHEAD_IOT_ACTION(UpdateCertificate)
    WELLHEAD_IOT_ACTION(DeleteCertificate)
    WELLHEAD_IOT_CALL(ListCertificates)
    WELLHEAD_IOT_CALL(ListCertificatesByCA)
    WELLHEAD_IOT_CALL(GetRegistrationCode)
    WELLHEAD_IOT_CALL(RegisterCACertificate)
    WELLHEAD_IOT_CALL(DescribeCACertificate)
    WELLHEAD_IOT_ACTION(UpdateCACertificate)
    WELLHEAD_IOT_CALL(DeleteCACertificate)
    WELLHEAD_IOT_CALL(ListCACertificates)
    // control_policies.cc
    WELLHEAD_IOT_CALL(CreatePolicy)
    WELLHEAD_IOT_CALL(GetPolicy)
    WELLHEAD_IOT_ACTION(DeletePolicy)
    WELLHEAD_IOT_CALL(ListPolicies)
    WELLHEAD_IOT_CALL(CreatePolicyVersion)
    WELLHEAD_IOT_CALL(GetPolicyVersion)
    WELLHEAD_IOT_ACTION(DeletePolicyVersion)
    WELLHEAD_IOT_ACTION(SetDefaultPolicyVersion)
    WELLHEAD_IOT_CALL(ListPolicyVersions)
    WELLHEAD_IOT_ACTION(AttachPolicy)
    WELLHEAD_IOT_ACTION(DetachPolicy)
    WELLHEAD_IOT_CALL(ListAttachedPolicies)
    WELLHEAD_IOT_CALL(ListTargetsForPolicy)
    WELLHEAD_IOT_ACTION(AttachPrincipalPolicy)
    WELLHEAD_IOT_ACTION(DetachPrincipalPolicy)
    WELLHEAD_IOT_CALL(ListPrincipalPolicies)
    WELLHEAD_IOT_CALL(ListPolicyPrincipals)
    // control_rules.cc
    WELLHEAD_IOT_ACTION(CreateTopicRule)
    WELLHEAD_IOT_ACTION(ReplaceTopicRule)
    WELLHEAD_IOT_ACTION(DeleteTopicRule)
    WELLHEAD_IOT_ACTION(EnableTopicRule)
    WELLHEAD_IOT_ACTION(DisableTopicRule)
    WELLHEAD_IOT_CALL(GetTopicRule)
    WELLHEAD_IOT_CALL(ListTopicRules)
    // control_tags.cc
    WELLHEAD_IOT_CALL(TagResource)
    WELLHEAD_IOT_CALL(UntagResource)
    WELLHEAD_IOT_CALL(ListTagsForResource)
    WELLHEAD_IOT_CALL(DescribeEndpoint)
#undef WELLHEAD_IOT_ACTION
#undef WELLHEAD_IOT_CALL
#undef WELLHEAD_IOT_OPERATION

  private:
    using TagList = std::optional<std::vector<wire::Tag>>;

    // "arn:aws:iot:REGION:ACCOUNT:KIND/NAME"
    std::string Arn(std::string_view kind, std::string_view name) const;
    // NAME of such an ARN of ours; nothing when arn is another's or of another kind.
    std::optional<std::string> NameIn(std::string_view arn, std::string_view kind) const;
    // A principal that policies and things can be attached to: a certificate that is there, or a Cognito identity.
    api::Outcome<void> CheckPrincipal(const std::string& principal) const;
    // What policies can be attached to: a principal, or a thing group that is there.
    api::Outcome<void> CheckTarget(const std::string& target) const;
    env::Task<api::Outcome<void>> Commit(Change change);
    static api::ServiceError Broken(const base::Error& error);
    void AddTags(Change& change, const std::string& arn, const TagList& tags);
    bool ResourceExists(std::string_view arn) const;

    // The name that a request has as a name or as an ARN; InvalidRequestException when neither or both.
    api::Outcome<std::string> NameOrArn(const std::optional<std::string>& name, const std::optional<std::string>& arn,
                                        std::string_view kind) const;
    wire::Certificate ListItem(const Certificate& certificate) const;
    wire::GroupNameAndArn GroupOf(const std::string& name) const;
    api::Outcome<void> JoinGroup(Change& change, const std::string& group, const std::string& thing, size_t groups);

    // Registers a certificate that someone else signed.
    env::Task<api::Outcome<Certificate>> Register(std::string pem, std::string ca_id, std::string mode,
                                                  std::string status);
    env::Task<api::Outcome<Certificate>> Keep(std::string pem, bool active);
    env::Task<api::Outcome<void>> Attach(std::string policy, std::string target);
    env::Task<api::Outcome<void>> Detach(std::string policy, std::string target);
    env::Task<api::Outcome<void>> KeepRule(TopicRule rule);
    env::Task<api::Outcome<void>> SetRuleDisabled(std::string name, bool disabled);
    api::Outcome<std::shared_ptr<const Policy>> FindPolicy(const std::string& name) const;

    Registry& registry_;
    RulesEngine& rules_;
    const CertificateAuthority& authority_;
    env::Clock& clock_;
    env::Random& random_;
    env::BlockingPool& pool_;
    ControlSettings settings_;
    mqtt::BrokerControl* broker_ = nullptr;
};

}  // namespace wellhead::services::iot
