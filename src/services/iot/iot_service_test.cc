#include "services/iot/iot_service.h"

#include <gtest/gtest.h>

#include <set>

#include "apis/iot/service.h"
#include "apis/iot_data/service.h"
#include "apis/kinesis/api.h"
#include "env/posix/posix.h"
#include "env/run_task.h"
#include "storage/table/memory/memory_table.h"

namespace wellhead::services::iot {
namespace {

namespace wire = apis::iot;

class FixedClock final : public env::Clock {
  public:
    base::Instant Now() override { return now += std::chrono::milliseconds(1); }
    base::Tick Ticks() override { return base::Tick(); }
    base::Instant now = base::FromUnixMs(1'800'000'000'000);
};

class Kinesis final : public apis::kinesis::KinesisApi {
  public:
    env::Task<api::Outcome<apis::kinesis::PutRecordsOutput>> PutRecords(
        const api::CallContext&, apis::kinesis::PutRecordsInput input) override {
        apis::kinesis::PutRecordsOutput output;
        for (auto& record : input.Records) {
            taken.push_back(*input.StreamName + ":" + record.PartitionKey + "=" + record.Data.bytes);
            output.Records.emplace_back();
        }
        co_return output;
    }
    std::vector<std::string> taken;
};

class Broker final : public mqtt::BrokerControl {
  public:
    env::Task<base::Result<void>> Publish(mqtt::PublishedMessage message) override {
        published.push_back(message);
        co_return base::Result<void>();
    }
    env::Task<base::Result<std::vector<mqtt::Message>>> RetainedMessages() override { co_return retained; }
    void DisconnectPrincipal(std::string_view principal, std::string) override { disconnected.emplace(principal); }
    bool IsConnected(std::string_view) const override { return false; }

    std::vector<mqtt::PublishedMessage> published;
    std::vector<mqtt::Message> retained;
    std::set<std::string> disconnected;
};

class IotServiceTest : public testing::Test {
  protected:
    void SetUp() override {
        random_ = env::posix::MakeRandom();
        files_ = env::posix::MakeFiles();
        table_ = storage::memory::MakeTable();
        Restart();
    }
    void Restart() {
        service_.reset();
        IotSettings settings;
        settings.account_id = "123456789012";
        settings.endpoint = "localhost:8883";
        auto started = env::RunTask(IotService::Start(*table_, clock_, *random_, *files_, pool_, settings,
                                                      IotPeers{&kinesis_, nullptr, nullptr}));
        ASSERT_TRUE(started) << started.error().message;
        service_ = std::move(*started);
        service_->SetBroker(&broker_);
    }
    wire::IotApi& control() { return service_->control(); }
    template <class Output>
    Output Good(env::Task<api::Outcome<Output>> task) {
        auto outcome = env::RunTask(std::move(task));
        EXPECT_TRUE(outcome) << outcome.error().code << ": " << outcome.error().message;
        return outcome ? std::move(*outcome) : Output();
    }
    template <class Output>
    std::string Code(env::Task<api::Outcome<Output>> task) {
        auto outcome = env::RunTask(std::move(task));
        return outcome ? "" : outcome.error().code;
    }
    wire::CreateThingResponse CreateThing(const std::string& name, std::map<std::string, std::string> attributes = {}) {
        return Good(control().CreateThing(context_, ThingRequest(name, std::move(attributes))));
    }
    static wire::CreateThingRequest ThingRequest(const std::string& name, std::map<std::string, std::string> attributes) {
        wire::CreateThingRequest request;
        request.thingName = name;
        wire::AttributePayload payload;
        payload.attributes = std::move(attributes);
        request.attributePayload = payload;
        return request;
    }
    wire::CreateKeysAndCertificateResponse CreateCertificate() {
        wire::CreateKeysAndCertificateRequest request;
        request.setAsActive = true;
        return Good(control().CreateKeysAndCertificate(context_, request));
    }
    void CreatePolicy(const std::string& name) {
        wire::CreatePolicyRequest request;
        request.policyName = name;
        request.policyDocument =
            R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iot:*","Resource":"*"}})";
        Good(control().CreatePolicy(context_, request));
    }
    static wire::CreateTopicRuleRequest RuleRequest(const std::string& sql) {
        wire::CreateTopicRuleRequest request;
        request.ruleName = "readings";
        request.topicRulePayload.sql = sql;
        request.topicRulePayload.awsIotSqlVersion = "2016-03-23";
        wire::KinesisAction kinesis;
        kinesis.roleArn = "arn:aws:iam::123456789012:role/r";
        kinesis.streamName = "stream";
        kinesis.partitionKey = "${topic(2)}";
        wire::Action action;
        action.kinesis = kinesis;
        request.topicRulePayload.actions.push_back(action);
        return request;
    }

    FixedClock clock_;
    std::unique_ptr<env::Random> random_;
    std::unique_ptr<env::Files> files_;
    env::BlockingPool pool_{"test", 1};
    std::unique_ptr<storage::Table> table_;
    Kinesis kinesis_;
    Broker broker_;
    std::unique_ptr<IotService> service_;
    api::CallContext context_;
};

TEST_F(IotServiceTest, ConnectsADeviceThatWasRegisteredByTheApi) {
    CreateThing("well-07");
    auto keys = CreateCertificate();
    CreatePolicy("device");
    wire::AttachPolicyRequest attach;
    attach.policyName = "device";
    attach.target = *keys.certificateArn;
    Good(control().AttachPolicy(context_, attach));
    wire::AttachThingPrincipalRequest principal;
    principal.thingName = "well-07";
    principal.principal = *keys.certificateArn;
    Good(control().AttachThingPrincipal(context_, principal));

    mqtt::ConnectAttempt attempt;
    attempt.client_id = "well-07";
    attempt.tls = true;
    attempt.client_certificate_der = ToDer(**CertificateFromPem(*keys.certificatePem));
    EXPECT_TRUE(env::RunTask(service_->authorizer().Connect(attempt)));

    wire::UpdateCertificateRequest revoke;
    revoke.certificateId = *keys.certificateId;
    revoke.newStatus = "REVOKED";
    Good(control().UpdateCertificate(context_, revoke));
    EXPECT_TRUE(broker_.disconnected.contains(*keys.certificateId));
    EXPECT_FALSE(env::RunTask(service_->authorizer().Connect(attempt)));
}

TEST_F(IotServiceTest, KeepsEverythingOverARestart) {
    std::string authority = service_->ca_certificate_pem();
    CreateThing("well-07", {{"site", "north"}});
    auto keys = CreateCertificate();
    CreatePolicy("device");
    Good(control().CreateTopicRule(context_, RuleRequest("SELECT * FROM 'oilfield/+/telemetry'")));
    Restart();
    EXPECT_EQ(service_->ca_certificate_pem(), authority);
    wire::DescribeThingRequest thing;
    thing.thingName = "well-07";
    EXPECT_EQ(Good(control().DescribeThing(context_, thing)).attributes->at("site"), "north");
    wire::DescribeCertificateRequest certificate;
    certificate.certificateId = *keys.certificateId;
    EXPECT_EQ(Good(control().DescribeCertificate(context_, certificate)).certificateDescription->status, "ACTIVE");
    wire::GetPolicyRequest policy;
    policy.policyName = "device";
    EXPECT_EQ(Good(control().GetPolicy(context_, policy)).defaultVersionId, "1");

    std::vector<mqtt::PublishedMessage> messages(1);
    messages[0].message.topic = "oilfield/well-07/telemetry";
    messages[0].message.payload = "{}";
    EXPECT_TRUE(env::RunTask(service_->sink().Deliver(messages))[0]);
    EXPECT_EQ(kinesis_.taken, (std::vector<std::string>{"stream:well-07={}"}));
}

TEST_F(IotServiceTest, CreatesTheSameThingTwiceButNotAnother) {
    auto first = CreateThing("a", {{"x", "1"}});
    EXPECT_EQ(*CreateThing("a", {{"x", "1"}}).thingId, *first.thingId);
    EXPECT_EQ(Code(control().CreateThing(context_, ThingRequest("a", {{"x", "2"}}))), "ResourceAlreadyExistsException");
}

TEST_F(IotServiceTest, PagesThroughThings) {
    for (int i = 0; i < 7; ++i) CreateThing("thing-" + std::to_string(i));
    wire::ListThingsRequest request;
    request.maxResults = 3;
    std::vector<std::string> names;
    do {
        auto page = Good(control().ListThings(context_, request));
        for (const auto& thing : *page.things) names.push_back(*thing.thingName);
        request.nextToken = page.nextToken;
    } while (request.nextToken);
    EXPECT_EQ(names.size(), 7u);
    request.nextToken = "foreign";
    EXPECT_EQ(Code(control().ListThings(context_, request)), "InvalidRequestException");
}

TEST_F(IotServiceTest, RefusesToDeleteWhatIsInUse) {
    CreateThing("well");
    auto keys = CreateCertificate();
    CreatePolicy("device");
    wire::AttachPolicyRequest attach;
    attach.policyName = "device";
    attach.target = *keys.certificateArn;
    Good(control().AttachPolicy(context_, attach));
    wire::AttachThingPrincipalRequest principal;
    principal.thingName = "well";
    principal.principal = *keys.certificateArn;
    Good(control().AttachThingPrincipal(context_, principal));

    wire::DeletePolicyRequest policy;
    policy.policyName = "device";
    EXPECT_EQ(Code(control().DeletePolicy(context_, policy)), "DeleteConflictException");
    wire::DeleteThingRequest thing;
    thing.thingName = "well";
    EXPECT_EQ(Code(control().DeleteThing(context_, thing)), "InvalidRequestException");
    wire::DeleteCertificateRequest certificate;
    certificate.certificateId = *keys.certificateId;
    EXPECT_EQ(Code(control().DeleteCertificate(context_, certificate)), "CertificateStateException");
    wire::UpdateCertificateRequest inactive;
    inactive.certificateId = *keys.certificateId;
    inactive.newStatus = "INACTIVE";
    Good(control().UpdateCertificate(context_, inactive));
    EXPECT_EQ(Code(control().DeleteCertificate(context_, certificate)), "DeleteConflictException");
    wire::DetachThingPrincipalRequest detach;
    detach.thingName = "well";
    detach.principal = *keys.certificateArn;
    Good(control().DetachThingPrincipal(context_, detach));
    EXPECT_EQ(Code(control().DeleteCertificate(context_, certificate)), "DeleteConflictException");
    certificate.forceDelete = true;
    Good(control().DeleteCertificate(context_, certificate));
    Good(control().DeletePolicy(context_, policy));
    Good(control().DeleteThing(context_, thing));
}

TEST_F(IotServiceTest, KeepsAtMostFiveVersionsOfAPolicy) {
    CreatePolicy("p");
    wire::CreatePolicyVersionRequest request;
    request.policyName = "p";
    request.policyDocument = R"({"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"iot:*","Resource":"*"}})";
    for (int i = 0; i < 4; ++i) Good(control().CreatePolicyVersion(context_, request));
    EXPECT_EQ(Code(control().CreatePolicyVersion(context_, request)), "VersionsLimitExceededException");
    wire::DeletePolicyVersionRequest remove;
    remove.policyName = "p";
    remove.policyVersionId = "1";
    EXPECT_EQ(Code(control().DeletePolicyVersion(context_, remove)), "DeleteConflictException");
    remove.policyVersionId = "2";
    Good(control().DeletePolicyVersion(context_, remove));
    EXPECT_EQ(*Good(control().CreatePolicyVersion(context_, request)).policyVersionId, "6");
    request.policyDocument = "{}";
    EXPECT_EQ(Code(control().CreatePolicyVersion(context_, request)), "MalformedPolicyException");
}

TEST_F(IotServiceTest, RefusesRulesThatCannotRun) {
    EXPECT_EQ(Code(control().CreateTopicRule(context_, RuleRequest("SELECT FROM 'a'"))), "SqlParseException");
    auto lambda = RuleRequest("SELECT * FROM 'a'");
    lambda.topicRulePayload.actions[0].kinesis.reset();
    lambda.topicRulePayload.actions[0].lambda.emplace();
    auto refused = env::RunTask(control().CreateTopicRule(context_, lambda));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, "InvalidRequestException");
    EXPECT_EQ(refused.error().message, "The action lambda is not served; kinesis, firehose, s3 and republish are");
}

TEST_F(IotServiceTest, RunsARuleOnlyWhileItIsEnabled) {
    Good(control().CreateTopicRule(context_, RuleRequest("SELECT * FROM 'a/#'")));
    EXPECT_EQ(Code(control().CreateTopicRule(context_, RuleRequest("SELECT * FROM 'a/#'"))),
              "ResourceAlreadyExistsException");
    std::vector<mqtt::PublishedMessage> messages(1);
    messages[0].message.topic = "a/b";
    wire::DisableTopicRuleRequest disable;
    disable.ruleName = "readings";
    Good(control().DisableTopicRule(context_, disable));
    env::RunTask(service_->sink().Deliver(messages));
    EXPECT_TRUE(kinesis_.taken.empty());
    wire::EnableTopicRuleRequest enable;
    enable.ruleName = "readings";
    Good(control().EnableTopicRule(context_, enable));
    env::RunTask(service_->sink().Deliver(messages));
    EXPECT_EQ(kinesis_.taken.size(), 1u);
    wire::GetTopicRuleRequest get;
    get.ruleName = "readings";
    auto rule = Good(control().GetTopicRule(context_, get));
    EXPECT_EQ(rule.rule->actions->at(0).kinesis->partitionKey, "${topic(2)}");
    get.ruleName = "missing";
    EXPECT_EQ(Code(control().GetTopicRule(context_, get)), "UnauthorizedException");
}

TEST_F(IotServiceTest, ServesShadowsAndPublishesByTheDataApi) {
    namespace data = apis::iot_data;
    data::UpdateThingShadowRequest update;
    update.thingName = "well";
    update.payload.bytes = R"({"state":{"desired":{"open":true}}})";
    Good(service_->data().UpdateThingShadow(context_, update));
    EXPECT_EQ(broker_.published.size(), 3u);
    update.payload.bytes = R"({"state":{"desired":{"open":true}},"version":9})";
    EXPECT_EQ(Code(service_->data().UpdateThingShadow(context_, update)), "ConflictException");
    data::GetThingShadowRequest get;
    get.thingName = "none";
    EXPECT_EQ(Code(service_->data().GetThingShadow(context_, get)), "ResourceNotFoundException");

    broker_.published.clear();
    data::PublishRequest publish;
    publish.topic = "a/b";
    publish.qos = 1;
    publish.payload = api::Blob{"hello"};
    publish.userProperties = R"([{"unit":"psi"}])";
    Good(service_->data().Publish(context_, publish));
    ASSERT_EQ(broker_.published.size(), 1u);
    EXPECT_EQ(broker_.published[0].message.payload, "hello");
    EXPECT_EQ(broker_.published[0].message.user_properties[0].second, "psi");
    publish.topic = "a/#";
    EXPECT_EQ(Code(service_->data().Publish(context_, publish)), "InvalidRequestException");

    broker_.retained.emplace_back();
    broker_.retained[0].topic = "kept";
    broker_.retained[0].payload = "x";
    data::GetRetainedMessageRequest kept;
    kept.topic = "kept";
    EXPECT_EQ(Good(service_->data().GetRetainedMessage(context_, kept)).payload->bytes, "x");
}

// The two APIs over the wire: paths, queries, headers and bodies as the SDKs send them.
class IotWireTest : public IotServiceTest {
  protected:
    std::string Send(api::Service& service, std::string method, std::string path, std::string query = "",
                     std::string body = "", api::WireHeaders headers = {}) {
        api::WireRequest request;
        request.method = std::move(method);
        request.path = std::move(path);
        request.query = std::move(query);
        request.headers = std::move(headers);
        request.body = api::MakeByteStream(std::move(body));
        auto response = env::RunTask(service.Call(context_, std::move(request)));
        std::string error;
        for (const auto& [name, value] : response.headers) {
            if (name == "x-amzn-errortype") error = " " + value;
        }
        return std::to_string(response.status) + error + " " + std::get<base::Bytes>(response.body);
    }
};

TEST_F(IotWireTest, ServesTheControlApi) {
    auto control_service = apis::iot::MakeService(control());
    api::Service& service = *control_service;
    EXPECT_EQ(service.signing_name(), "iot");
    std::string created = Send(service, "POST", "/things/well-07", "", R"({"attributePayload":{"attributes":{"a":"1"}}})");
    EXPECT_TRUE(created.starts_with(R"(200 {"thingName":"well-07","thingArn":"arn:aws:iot:us-east-1:123456789012:thing/well-07")")) << created;
    std::string listed = Send(service, "GET", "/things", "maxResults=5&attributeName=a");
    EXPECT_NE(listed.find(R"("thingName":"well-07")"), std::string::npos) << listed;
    EXPECT_TRUE(Send(service, "GET", "/things/none").starts_with("404 ResourceNotFoundException {"));
    EXPECT_TRUE(Send(service, "POST", "/things/bad%20name", "", "{}").starts_with("400 InvalidRequestException {"));
    std::string keys = Send(service, "POST", "/keys-and-certificate", "setAsActive=true");
    EXPECT_NE(keys.find("BEGIN RSA PRIVATE KEY"), std::string::npos);
    std::string arn = keys.substr(keys.find("arn:aws:iot"));
    arn.resize(arn.find('"'));
    std::string policy = R"({"policyDocument":"{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"iot:*\",\"Resource\":\"*\"}}"})";
    EXPECT_TRUE(Send(service, "POST", "/policies/device", "", policy).starts_with("200 "));
    EXPECT_EQ(Send(service, "PUT", "/target-policies/device", "", R"({"target":")" + arn + R"("})").substr(0, 3), "200");
    EXPECT_EQ(Send(service, "PUT", "/things/well-07/principals", "", "", {{"x-amzn-principal", arn}}).substr(0, 3), "200");
    std::string principals = Send(service, "GET", "/things/well-07/principals");
    EXPECT_NE(principals.find(arn), std::string::npos) << principals;
    std::string rule = R"({"sql":"SELECT * FROM 'a/#'","actions":[{"kinesis":{"roleArn":"arn:r","streamName":"s"}}]})";
    EXPECT_EQ(Send(service, "POST", "/rules/readings", "", rule).substr(0, 3), "200");
    EXPECT_NE(Send(service, "GET", "/rules/readings").find(R"("streamName":"s")"), std::string::npos);
    EXPECT_TRUE(Send(service, "POST", "/rules/bad", "", R"({"sql":"SELECT","actions":[]})").starts_with("400 SqlParseException {"));
    EXPECT_NE(Send(service, "GET", "/endpoint", "endpointType=iot%3AData-ATS").find("localhost:8883"), std::string::npos);
    EXPECT_TRUE(Send(service, "POST", "/authorizer/a", "", "{}").starts_with("400 UnknownOperationException {"));
}

TEST_F(IotWireTest, ServesTheDataApi) {
    auto data_service = apis::iot_data::MakeService(service_->data());
    api::Service& service = *data_service;
    EXPECT_EQ(Send(service, "POST", "/topics/a%2Fb%20c", "qos=1&retain=true", "hello").substr(0, 3), "200");
    ASSERT_EQ(broker_.published.size(), 1u);
    EXPECT_EQ(broker_.published[0].message.topic, "a/b c");
    EXPECT_EQ(broker_.published[0].message.payload, "hello");
    EXPECT_TRUE(broker_.published[0].message.retain);
    EXPECT_TRUE(Send(service, "POST", "/things/well/shadow", "name=pump", R"({"state":{"reported":{"on":true}}})").starts_with(R"(200 {"state")"));
    EXPECT_TRUE(Send(service, "GET", "/things/well/shadow", "name=pump").starts_with(R"(200 {"state":{"reported":{"on":true}})"));
    EXPECT_TRUE(Send(service, "GET", "/things/well/shadow").starts_with("404 ResourceNotFoundException {"));
    EXPECT_NE(Send(service, "GET", "/api/things/shadow/ListNamedShadowsForThing/well").find(R"(["pump"])"), std::string::npos);
}

TEST_F(IotServiceTest, TagsWhatIsThere) {
    CreatePolicy("p");
    wire::TagResourceRequest tag;
    tag.resourceArn = "arn:aws:iot:us-east-1:123456789012:policy/p";
    tag.tags.emplace_back();
    tag.tags[0].Key = "team";
    tag.tags[0].Value = "north";
    Good(control().TagResource(context_, tag));
    wire::ListTagsForResourceRequest list;
    list.resourceArn = tag.resourceArn;
    EXPECT_EQ(Good(control().ListTagsForResource(context_, list)).tags->at(0).Value, "north");
    tag.resourceArn += "2";
    EXPECT_EQ(Code(control().TagResource(context_, tag)), "ResourceNotFoundException");
}

}  // namespace
}  // namespace wellhead::services::iot
