#include "services/iot/authorizer.h"

#include <gtest/gtest.h>

#include "env/posix/posix.h"
#include "env/run_task.h"
#include "services/iot/certificate_authority.h"
#include "storage/table/memory/memory_table.h"

namespace wellhead::services::iot {
namespace {

constexpr base::Instant kNow = base::FromUnixMs(1'800'000'000'000);

class FixedClock final : public env::Clock {
  public:
    base::Instant Now() override { return now; }
    base::Tick Ticks() override { return base::Tick(); }
    base::Instant now = kNow;
};

class AuthorizerTest : public testing::Test {
  protected:
    void SetUp() override {
        random_ = env::posix::MakeRandom();
        table_ = storage::memory::MakeTable();
        registry_ = std::make_unique<Registry>(*table_);
        ASSERT_TRUE(env::RunTask(registry_->Load()));
        registration_ = std::make_unique<AutoRegistration>(*registry_, clock_, "123456789012");
        authorizer_ = MakeAuthorizer(*registry_, clock_, *registration_, {"us-east-1", "123456789012"});
        auto authority = CertificateAuthority::Make(*random_, kNow);
        auto issued = authority->IssueServerCertificate({"device"}, std::chrono::hours(24), *random_, kNow);
        X509Pointer parsed = *CertificateFromPem(issued->certificate_pem);
        der_ = ToDer(*parsed);
        CertificateFacts facts = FactsOf(*parsed);
        certificate_ = {facts.id, issued->certificate_pem, "ACTIVE", "", "DEFAULT", kNow, kNow, 1,
                        facts.not_before, facts.not_after};
        arn_ = "arn:aws:iot:us-east-1:123456789012:cert/" + facts.id;
        Put(registry_->certificates, certificate_);
    }
    template <class Record>
    void Put(Records<Record>& records, Record record) {
        Change change;
        change.Put(records, std::move(record));
        ASSERT_TRUE(env::RunTask(registry_->Commit(std::move(change))));
    }
    void Grant(const std::string& name, const std::string& statements) {
        Policy policy;
        policy.name = name;
        PolicyVersion version;
        version.document = R"({"Version":"2012-10-17","Statement":[)" + statements + "]}";
        version.parsed = *PolicyDocument::Parse(version.document);
        policy.versions[1] = version;
        Put(registry_->policies, policy);
        Put(registry_->policy_attachments, PolicyAttachment{arn_, name});
    }
    base::Result<std::shared_ptr<const mqtt::Permissions>> Connect(const std::string& client_id) {
        mqtt::ConnectAttempt attempt;
        attempt.client_id = client_id;
        attempt.client_certificate_der = der_;
        attempt.tls = true;
        attempt.peer_address = "127.0.0.1";
        return env::RunTask(authorizer_->Connect(attempt));
    }

    FixedClock clock_;
    std::unique_ptr<env::Random> random_;
    std::unique_ptr<storage::Table> table_;
    std::unique_ptr<Registry> registry_;
    std::unique_ptr<AutoRegistration> registration_;
    std::unique_ptr<mqtt::Authorizer> authorizer_;
    base::Bytes der_;
    Certificate certificate_;
    std::string arn_;
};

constexpr const char* kThingPolicy =
    R"({"Effect":"Allow","Action":"iot:Connect","Resource":"*"},
       {"Effect":"Allow","Action":"iot:Publish",
        "Resource":"arn:aws:iot:us-east-1:123456789012:topic/oilfield/${iot:Connection.Thing.ThingName}/telemetry"})";

TEST_F(AuthorizerTest, RefusesAConnectionThatNoPolicyAllows) {
    EXPECT_FALSE(Connect("well-07"));
    Grant("p", kThingPolicy);
    EXPECT_TRUE(Connect("well-07"));
}

TEST_F(AuthorizerTest, NamesTheThingThatTheCertificateIsAttachedTo) {
    Grant("p", kThingPolicy);
    auto permissions = *Connect("well-07");
    EXPECT_FALSE(permissions->MayPublish("oilfield/well-07/telemetry", false));
    Put(registry_->things, Thing{"well-07", "id", "", {}, 1});
    EXPECT_FALSE(permissions->MayPublish("oilfield/well-07/telemetry", false));
    Change change;
    registry_->Attach(change, ThingPrincipal{"well-07", arn_, false});
    ASSERT_TRUE(env::RunTask(registry_->Commit(std::move(change))));
    EXPECT_TRUE(permissions->MayPublish("oilfield/well-07/telemetry", false));
    EXPECT_FALSE(permissions->MayPublish("oilfield/well-08/telemetry", false));
    EXPECT_EQ(permissions->principal(), certificate_.id);
}

TEST_F(AuthorizerTest, NamesAnExclusiveThingWhateverTheClientIsCalled) {
    Grant("p", kThingPolicy);
    Put(registry_->things, Thing{"well-07", "id", "", {}, 1});
    Change change;
    registry_->Attach(change, ThingPrincipal{"well-07", arn_, true});
    ASSERT_TRUE(env::RunTask(registry_->Commit(std::move(change))));
    EXPECT_TRUE((*Connect("another"))->MayPublish("oilfield/well-07/telemetry", false));
}

TEST_F(AuthorizerTest, RefusesCertificatesThatAreInactiveUnknownOrOutOfDate) {
    Grant("p", kThingPolicy);
    clock_.now = kNow + std::chrono::hours(48);
    EXPECT_FALSE(Connect("well-07"));
    clock_.now = kNow;
    certificate_.status = "INACTIVE";
    Put(registry_->certificates, certificate_);
    EXPECT_FALSE(Connect("well-07"));
    Change change;
    change.Delete(registry_->certificates, certificate_.id);
    ASSERT_TRUE(env::RunTask(registry_->Commit(std::move(change))));
    EXPECT_FALSE(Connect("well-07"));
}

TEST_F(AuthorizerTest, TakesARevocationIntoAccountAtTheNextPacket) {
    Grant("p", R"({"Effect":"Allow","Action":"iot:*","Resource":"*"})");
    auto permissions = *Connect("well-07");
    EXPECT_TRUE(permissions->MayPublish("a", true));
    certificate_.status = "REVOKED";
    Put(registry_->certificates, certificate_);
    EXPECT_FALSE(permissions->MayPublish("a", true));
}

TEST_F(AuthorizerTest, RefusesAConnectionWithoutACertificateEvenWithAName) {
    mqtt::ConnectAttempt attempt;
    attempt.client_id = "well-07";
    attempt.user_name = "root";
    attempt.tls = true;
    EXPECT_FALSE(env::RunTask(authorizer_->Connect(attempt)));
    attempt.tls = false;
    EXPECT_FALSE(env::RunTask(authorizer_->Connect(attempt)));
    attempt.signed_access_key_id = "AKIA";
    EXPECT_TRUE(env::RunTask(authorizer_->Connect(attempt)));
}

}  // namespace
}  // namespace wellhead::services::iot
