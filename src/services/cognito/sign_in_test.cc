// Whole sign-ins against the service, with a table in memory: by password, by proof, over the new password, by the
// hosted login's code; and what must be refused.

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "api/jwt.h"
#include "apis/cognito_idp/api.h"
#include "codec/base64.h"
#include "codec/form.h"
#include "env/posix/posix.h"
#include "env/run_task.h"
#include "services/cognito/cognito.h"
#include "services/cognito/digest.h"
#include "services/cognito/srp.h"
#include "storage/table/memory/memory_table.h"

namespace wellhead::services::cognito {
namespace {

namespace idp = apis::cognito_idp;
namespace json = boost::json;
using namespace std::chrono_literals;

class FakeClock final : public env::Clock {
  public:
    base::Instant Now() override { return base::FromUnixMs(1'800'000'000'000) + passed; }
    base::Tick Ticks() override { return base::Tick(passed); }
    base::Duration passed = 1s;
};

class TextBody final : public net::BodyReader {
  public:
    explicit TextBody(std::string text) : text_(std::move(text)) {}
    env::Task<base::Result<base::Bytes>> Read() override { co_return std::exchange(text_, std::string()); }
    std::optional<uint64_t> length() const override { return text_.size(); }
    const net::Headers& trailers() const override { return trailers_; }

  private:
    std::string text_;
    net::Headers trailers_;
};

class SignInFlow : public testing::Test {
  protected:
    void SetUp() override {
        table_ = storage::memory::MakeTable();
        random_ = env::posix::MakeRandom();
        pool_threads_ = std::make_unique<env::BlockingPool>("test", 1);
        cognito_ = Cognito::Open({*table_, clock_, *random_, *pool_threads_}, {.region = "eu-central-1"});
        idp::CreateUserPoolRequest pool;
        pool.PoolName = "wells";
        pool_ = *Ask(api().CreateUserPool(context_, pool)).value().UserPool->Id;
        idp::CreateUserPoolClientRequest client;
        client.UserPoolId = pool_;
        client.ClientName = "app";
        client.ExplicitAuthFlows = {"ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"};
        client.CallbackURLs = {"http://localhost:9/cb"};
        client.AllowedOAuthFlows = {"code"};
        client.AllowedOAuthScopes = {"openid", "email"};
        client.AllowedOAuthFlowsUserPoolClient = true;
        client.PreventUserExistenceErrors = "ENABLED";
        client_ = *Ask(api().CreateUserPoolClient(context_, client)).value().UserPoolClient->ClientId;
        idp::AdminCreateUserRequest user;
        user.UserPoolId = pool_;
        user.Username = "alice";
        user.TemporaryPassword = "Temporary-1";
        user.MessageAction = "SUPPRESS";
        ASSERT_TRUE(Ask(api().AdminCreateUser(context_, user)).has_value());
    }

    idp::CognitoIdpApi& api() { return cognito_->api(); }
    template <class T>
    api::Outcome<T> Ask(env::Task<api::Outcome<T>> task) {
        return env::RunTask(std::move(task));
    }
    void MakePermanent(const std::string& password) {
        idp::AdminSetUserPasswordRequest set;
        set.UserPoolId = pool_;
        set.Username = "alice";
        set.Password = password;
        set.Permanent = true;
        ASSERT_TRUE(Ask(api().AdminSetUserPassword(context_, set)).has_value());
    }
    api::Outcome<idp::InitiateAuthResponse> ByPassword(const std::string& name, const std::string& password) {
        idp::InitiateAuthRequest request;
        request.ClientId = client_;
        request.AuthFlow = "USER_PASSWORD_AUTH";
        request.AuthParameters = {{"USERNAME", name}, {"PASSWORD", password}};
        return Ask(api().InitiateAuth(context_, request));
    }
    api::Outcome<idp::InitiateAuthResponse> Refresh(const std::string& token) {
        idp::InitiateAuthRequest request;
        request.ClientId = client_;
        request.AuthFlow = "REFRESH_TOKEN_AUTH";
        request.AuthParameters = {{"REFRESH_TOKEN", token}};
        return Ask(api().InitiateAuth(context_, request));
    }
    api::Outcome<idp::GetUserResponse> WhoAmI(const std::string& access_token) {
        idp::GetUserRequest request;
        request.AccessToken = access_token;
        return Ask(api().GetUser(context_, request));
    }
    net::HttpResponse Http(const std::string& method, const std::string& target, const std::string& body = "",
                           const std::string& cookie = "") {
        TextBody reader(body);
        net::HttpRequest request;
        request.method = method;
        request.target = target;
        request.authority = "localhost";
        request.headers = {{"content-type", "application/x-www-form-urlencoded"}, {"cookie", cookie}};
        request.body = &reader;
        return env::RunTask(cognito_->login().Handle(request));
    }
    std::string AuthorizeQuery(const std::string& verifier) {
        codec::Form form;
        form.Add("client_id", client_).Add("response_type", "code").Add("redirect_uri", "http://localhost:9/cb");
        form.Add("scope", "openid").Add("state", "s1").Add("nonce", "n1").Add("code_challenge_method", "S256");
        form.Add("code_challenge", codec::EncodeBase64Url(Sha256(verifier)));
        return form.ToString();
    }
    // The code that a right password on the page leads to.
    std::string CodeOf(const std::string& query, const std::string& password) {
        auto page = Http("GET", "/login?" + query);
        std::string cookie(page.headers.Find("set-cookie").value_or(""));
        cookie = cookie.substr(0, cookie.find(';'));
        codec::Form form;
        form.Add("_csrf", cookie.substr(cookie.find('=') + 1)).Add("username", "alice").Add("password", password);
        auto answer = Http("POST", "/login?" + query, form.ToString(), cookie);
        std::string location(answer.headers.Find("location").value_or(""));
        if (answer.status != 303 || !location.starts_with("http://localhost:9/cb?")) return "";
        auto parameters = codec::Form::Parse(location.substr(location.find('?') + 1));
        EXPECT_EQ(parameters->Get("state"), "s1");
        return parameters->Get("code");
    }
    net::HttpResponse Redeem(const std::string& code, const std::string& verifier) {
        codec::Form form;
        form.Add("grant_type", "authorization_code").Add("client_id", client_).Add("code", code);
        form.Add("redirect_uri", "http://localhost:9/cb").Add("code_verifier", verifier);
        return Http("POST", "/oauth2/token", form.ToString());
    }
    static std::string Body(const net::HttpResponse& response) { return std::get<base::Bytes>(response.body); }

    FakeClock clock_;
    std::unique_ptr<storage::Table> table_;
    std::unique_ptr<env::Random> random_;
    std::unique_ptr<env::BlockingPool> pool_threads_;
    std::unique_ptr<Cognito> cognito_;
    api::CallContext context_;
    std::string pool_;
    std::string client_;
};

TEST_F(SignInFlow, ATemporaryPasswordLeadsToANewOneAndThenToTokens) {
    auto first = ByPassword("alice", "Temporary-1").value();
    ASSERT_EQ(first.ChallengeName, "NEW_PASSWORD_REQUIRED");
    idp::RespondToAuthChallengeRequest respond;
    respond.ClientId = client_;
    respond.ChallengeName = *first.ChallengeName;
    respond.Session = first.Session;
    respond.ChallengeResponses = {{"USERNAME", "alice"}, {"NEW_PASSWORD", "short"}};
    EXPECT_EQ(Ask(api().RespondToAuthChallenge(context_, respond)).error().code, "InvalidPasswordException");
    (*respond.ChallengeResponses)["NEW_PASSWORD"] = "Permanent-2";
    auto done = Ask(api().RespondToAuthChallenge(context_, respond)).value();
    ASSERT_TRUE(done.AuthenticationResult.has_value());
    EXPECT_EQ(WhoAmI(*done.AuthenticationResult->AccessToken)->Username, "alice");
    EXPECT_TRUE(ByPassword("alice", "Permanent-2")->AuthenticationResult.has_value());
    EXPECT_FALSE(ByPassword("alice", "Temporary-1").has_value());
}

TEST_F(SignInFlow, ATemporaryPasswordEndsAfterSevenDays) {
    clock_.passed += 8 * 24h;
    EXPECT_EQ(ByPassword("alice", "Temporary-1").error().code, "NotAuthorizedException");
}

TEST_F(SignInFlow, TheStoreHoldsNoPassword) {
    MakePermanent("Secret-Word-1");
    auto rows = env::RunTask(table_->Scan("cognito/users", {})).value();
    ASSERT_EQ(rows.size(), 1u);
    EXPECT_EQ(rows[0].value.find("Secret-Word-1"), std::string::npos);
}

TEST_F(SignInFlow, NobodyLearnsWhetherAUserExists) {
    auto wrong = ByPassword("alice", "wrong").error();
    auto unknown = ByPassword("nobody", "wrong").error();
    EXPECT_EQ(wrong.code, unknown.code);
    EXPECT_EQ(wrong.message, "Incorrect username or password.");
    EXPECT_EQ(wrong.message, unknown.message);
    idp::InitiateAuthRequest request;
    request.ClientId = client_;
    request.AuthFlow = "USER_SRP_AUTH";
    request.AuthParameters = {{"USERNAME", "nobody"}, {"SRP_A", "2"}};
    auto first = Ask(api().InitiateAuth(context_, request)).value();
    auto again = Ask(api().InitiateAuth(context_, request)).value();
    EXPECT_EQ(first.ChallengeName, "PASSWORD_VERIFIER");
    EXPECT_EQ(first.ChallengeParameters->at("SALT"), again.ChallengeParameters->at("SALT"));
}

TEST_F(SignInFlow, FailuresLockTheNameOutForLongerAndLonger) {
    MakePermanent("Permanent-2");
    for (int i = 0; i < 5; ++i) EXPECT_FALSE(ByPassword("alice", "wrong").has_value());
    EXPECT_EQ(ByPassword("alice", "Permanent-2").error().message, "Password attempts exceeded");
    clock_.passed += 1100ms;
    EXPECT_FALSE(ByPassword("alice", "wrong").has_value());
    clock_.passed += 1100ms;
    EXPECT_EQ(ByPassword("alice", "Permanent-2").error().message, "Password attempts exceeded");
    clock_.passed += 1100ms;
    EXPECT_TRUE(ByPassword("alice", "Permanent-2").has_value());
}

TEST_F(SignInFlow, AProofIsAcceptedOnceAndAWrongOneNever) {
    MakePermanent("Permanent-2");
    // A client with a = 1: A = g. Its S = (B - k g^x)^(1 + u x) is what the server computes as (A v^u)^b; the test takes
    // the server's side of the formula, whose agreement with clients srp_test.cc shows.
    idp::InitiateAuthRequest request;
    request.ClientId = client_;
    request.AuthFlow = "USER_SRP_AUTH";
    request.AuthParameters = {{"USERNAME", "alice"}, {"SRP_A", "2"}};
    auto challenge = Ask(api().InitiateAuth(context_, request)).value();
    auto parameters = *challenge.ChallengeParameters;
    EXPECT_EQ(parameters["USER_ID_FOR_SRP"], "alice");
    idp::RespondToAuthChallengeRequest respond;
    respond.ClientId = client_;
    respond.ChallengeName = "PASSWORD_VERIFIER";
    respond.ChallengeResponses = {{"USERNAME", "alice"},
                                  {"PASSWORD_CLAIM_SECRET_BLOCK", parameters["SECRET_BLOCK"]},
                                  {"TIMESTAMP", "Tue Nov 24 08:00:00 UTC 2026"},
                                  {"PASSWORD_CLAIM_SIGNATURE", codec::EncodeBase64(std::string(32, 'x'))}};
    EXPECT_EQ(Ask(api().RespondToAuthChallenge(context_, respond)).error().code, "NotAuthorizedException");
    // The block was answered: it is worth nothing any more, not even with the right proof.
    EXPECT_EQ(Ask(api().RespondToAuthChallenge(context_, respond)).error().code, "NotAuthorizedException");
    (*respond.ChallengeResponses)["PASSWORD_CLAIM_SECRET_BLOCK"] = "AAAA";
    EXPECT_EQ(Ask(api().RespondToAuthChallenge(context_, respond)).error().code, "NotAuthorizedException");
}

TEST_F(SignInFlow, TokensAreRenewedUntilTheyAreRevoked) {
    MakePermanent("Permanent-2");
    auto result = *ByPassword("alice", "Permanent-2")->AuthenticationResult;
    auto renewed = Refresh(*result.RefreshToken).value();
    EXPECT_TRUE(WhoAmI(*renewed.AuthenticationResult->AccessToken).has_value());
    EXPECT_FALSE(Refresh(*result.RefreshToken + "x").has_value());
    EXPECT_FALSE(WhoAmI(*result.IdToken).has_value());
    EXPECT_FALSE(WhoAmI("a.b.c").has_value());

    idp::RevokeTokenRequest revoke;
    revoke.ClientId = client_;
    revoke.Token = *result.RefreshToken;
    ASSERT_TRUE(Ask(api().RevokeToken(context_, revoke)).has_value());
    EXPECT_FALSE(Refresh(*result.RefreshToken).has_value());
    EXPECT_EQ(WhoAmI(*result.AccessToken).error().message, "Access Token has been revoked");
}

TEST_F(SignInFlow, AnAccessTokenExpiresAndASignOutEndsAllSessions) {
    MakePermanent("Permanent-2");
    auto result = *ByPassword("alice", "Permanent-2")->AuthenticationResult;
    auto other = *ByPassword("alice", "Permanent-2")->AuthenticationResult;
    clock_.passed += 61min;
    EXPECT_EQ(WhoAmI(*result.AccessToken).error().message, "Access Token has expired");
    auto renewed = *Refresh(*result.RefreshToken)->AuthenticationResult;
    idp::GlobalSignOutRequest out;
    out.AccessToken = *renewed.AccessToken;
    ASSERT_TRUE(Ask(api().GlobalSignOut(context_, out)).has_value());
    EXPECT_FALSE(Refresh(*result.RefreshToken).has_value());
    EXPECT_FALSE(Refresh(*other.RefreshToken).has_value());
}

TEST_F(SignInFlow, TheHostedLoginGivesACodeForTokensOnce) {
    MakePermanent("Permanent-2");
    std::string verifier(43, 'v');
    std::string code = CodeOf(AuthorizeQuery(verifier), "Permanent-2");
    ASSERT_FALSE(code.empty());
    auto answer = Redeem(code, verifier);
    ASSERT_EQ(answer.status, 200) << Body(answer);
    auto tokens = json::parse(Body(answer)).as_object();
    auto keys = api::JwtKeySet::FromJwks(Body(Http("GET", "/" + pool_ + "/.well-known/jwks.json"))).value();
    auto claims = keys.Verify(std::string(tokens.at("id_token").as_string()), {"http://127.0.0.1:4566/" + pool_, "id", client_, clock_.Now()});
    ASSERT_TRUE(claims.has_value()) << claims.error().message;
    EXPECT_EQ(claims->at("nonce"), "n1");
    EXPECT_EQ(claims->at("cognito:username"), "alice");
    std::string access(tokens.at("access_token").as_string());
    EXPECT_TRUE(WhoAmI(access).has_value());
    // The second time the code takes back what it gave.
    EXPECT_EQ(Redeem(code, verifier).status, 400);
    EXPECT_FALSE(WhoAmI(access).has_value());
}

TEST_F(SignInFlow, ACodeNeedsItsVerifierAndItsTime) {
    MakePermanent("Permanent-2");
    std::string verifier(43, 'v');
    std::string code = CodeOf(AuthorizeQuery(verifier), "Permanent-2");
    EXPECT_EQ(Redeem(code, std::string(43, 'w')).status, 400);
    code = CodeOf(AuthorizeQuery(verifier), "Permanent-2");
    clock_.passed += 6min;
    EXPECT_EQ(Redeem(code, verifier).status, 400);
}

TEST_F(SignInFlow, ACodeSurvivesAClientThatDoesNotAuthenticate) {
    MakePermanent("Permanent-2");
    std::string verifier(43, 'v');
    std::string code = CodeOf(AuthorizeQuery(verifier), "Permanent-2");
    std::string mine = std::exchange(client_, "anotherclient");
    EXPECT_EQ(Redeem(code, verifier).status, 400);
    client_ = mine;
    EXPECT_EQ(Redeem(code, verifier).status, 200);
}

TEST_F(SignInFlow, AWrongRedirectAddressIsNeverFollowed) {
    std::string query = AuthorizeQuery(std::string(43, 'v'));
    for (const char* other : {"http%3A%2F%2Flocalhost%3A9%2Fcb%2F", "http%3A%2F%2Fevil%2F", ""}) {
        std::string changed = query;
        changed.replace(changed.find("http%3A"), std::string("http%3A%2F%2Flocalhost%3A9%2Fcb").size(), other);
        auto answer = Http("GET", "/oauth2/authorize?" + changed);
        EXPECT_EQ(answer.status, 400) << other;
        EXPECT_FALSE(answer.headers.Find("location").has_value());
    }
}

TEST_F(SignInFlow, AFormWithoutItsCookieIsNotTaken) {
    MakePermanent("Permanent-2");
    std::string query = AuthorizeQuery(std::string(43, 'v'));
    codec::Form form;
    form.Add("_csrf", std::string(32, 'a')).Add("username", "alice").Add("password", "Permanent-2");
    auto answer = Http("POST", "/login?" + query, form.ToString(), "");
    EXPECT_EQ(answer.status, 400);
    EXPECT_FALSE(answer.headers.Find("location").has_value());
}

TEST_F(SignInFlow, WhatAUserTypesIsNeverMarkup) {
    std::string query = AuthorizeQuery(std::string(43, 'v'));
    auto page = Http("GET", "/login?" + query);
    std::string cookie(page.headers.Find("set-cookie").value_or(""));
    cookie = cookie.substr(0, cookie.find(';'));
    codec::Form form;
    form.Add("_csrf", cookie.substr(cookie.find('=') + 1)).Add("username", "\"><script>x</script>").Add("password", "p");
    auto answer = Http("POST", "/login?" + query, form.ToString(), cookie);
    EXPECT_EQ(Body(answer).find("<script>"), std::string::npos);
}

}  // namespace
}  // namespace wellhead::services::cognito
