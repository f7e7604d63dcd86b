// Who may call what, cross-origin rules and forms, through the endpoint.

#include <gmock/gmock.h>

#include <random>

#include "api/credentials.h"
#include "api/sigv4.h"
#include "apis/s3/service.h"
#include "codec/base64.h"
#include "services/s3/lifecycle.h"
#include "services/s3/s3_endpoint.h"
#include "services/s3/post_form.h"
#include "services/s3/service_fixture.h"

namespace wellhead::services::s3 {
namespace {

using testing::HasSubstr;

class EndpointTest : public S3Test {
  protected:
    EndpointTest() { MakeBucket("lake"); }
    struct Answer {
        int status = 0;
        std::map<std::string, std::string> headers;
        std::string body;
    };
    Answer Send(bool signed_by_owner, const std::string& method, const std::string& target, std::string body = "",
                api::WireHeaders headers = {}) {
        api::CallContext context = context_;
        context.caller = {};
        context.peer_address = "10.1.2.3";
        if (signed_by_owner) context.caller = keys_->Find("AKID")->identity;
        api::WireRequest request;
        size_t question = std::min(target.find('?'), target.size());
        request.method = method;
        request.path = target.substr(0, question);
        if (question < target.size()) request.query = target.substr(question + 1);
        request.headers = std::move(headers);
        request.body = api::MakeByteStream(std::move(body));
        auto response = env::RunTask(endpoint_->Call(context, std::move(request)));
        Answer answer;
        answer.status = response.status;
        for (auto& [name, value] : response.headers) answer.headers[name] = value;
        if (auto* bytes = std::get_if<base::Bytes>(&response.body)) {
            answer.body = *bytes;
        } else {
            answer.body = ReadBody(std::get<api::StreamBody>(response.body));
        }
        return answer;
    }
    Answer Owner(const std::string& method, const std::string& target, std::string body = "") {
        return Send(true, method, target, std::move(body));
    }
    Answer Anybody(const std::string& method, const std::string& target, std::string body = "") {
        return Send(false, method, target, std::move(body));
    }
    static std::string Policy(const std::string& effect, const std::string& action, const std::string& more = "") {
        return R"({"Version":"2012-10-17","Statement":[{"Effect":")" + effect + R"(","Principal":"*","Action":")" + action +
               R"(","Resource":["arn:aws:s3:::lake","arn:aws:s3:::lake/*"])" + more + "}]}";
    }

    std::unique_ptr<api::CredentialStore> keys_ = api::MakeRootCredentials("AKID", "secret", "123456789012");
    std::unique_ptr<api::Service> endpoint_ = MakeEndpoint(*service_, s3::MakeService(*service_), *keys_, *clock_);
};

TEST_F(EndpointTest, NothingIsPublicUntilThePolicySaysSo) {
    Owner("PUT", "/lake/k", "hello");
    EXPECT_EQ(Anybody("GET", "/lake/k").status, 403);
    EXPECT_EQ(Anybody("GET", "/").status, 403);
    EXPECT_EQ(Anybody("GET", "/none/k").status, 404);
    EXPECT_EQ(Owner("PUT", "/lake?policy", Policy("Allow", "s3:GetObject")).status, 200);
    EXPECT_EQ(Anybody("GET", "/lake/k").body, "hello");
    EXPECT_EQ(Anybody("GET", "/lake/none").status, 403);
    EXPECT_EQ(Anybody("PUT", "/lake/k", "x").status, 403);
    EXPECT_EQ(Anybody("DELETE", "/lake/k").status, 403);
    EXPECT_EQ(Anybody("GET", "/lake").status, 403);
    EXPECT_THAT(Owner("GET", "/lake?policyStatus").body, HasSubstr("<IsPublic>true</IsPublic>"));
    EXPECT_EQ(Owner("GET", "/lake?policy").body, Policy("Allow", "s3:GetObject"));
    EXPECT_EQ(Owner("PUT", "/lake?policy", Policy("Allow", "s3:*")).status, 200);
    EXPECT_EQ(Anybody("GET", "/lake/none").status, 404);
    EXPECT_THAT(Anybody("POST", "/lake?delete", "<Delete><Object><Key>k</Key></Object></Delete>").body, HasSubstr("<Deleted>"));
    EXPECT_EQ(Owner("DELETE", "/lake?policy").status, 204);
    EXPECT_THAT(Anybody("POST", "/lake?delete", "<Delete><Object><Key>k</Key></Object></Delete>").body, HasSubstr("AccessDenied"));
    EXPECT_EQ(Anybody("PUT", "/new-bucket").status, 403);
}

TEST_F(EndpointTest, ADenyHoldsForTheOwnerTooAndConditionsNarrow) {
    Owner("PUT", "/lake/k", "hello");
    Owner("PUT", "/lake?policy", Policy("Deny", "s3:DeleteObject"));
    EXPECT_EQ(Owner("DELETE", "/lake/k").status, 403);
    EXPECT_EQ(Owner("GET", "/lake/k").status, 200);
    const char* near_by = R"(,"Condition":{"IpAddress":{"aws:SourceIp":"10.1.0.0/16"}})";
    Owner("PUT", "/lake?policy", Policy("Allow", "s3:GetObject", near_by));
    EXPECT_EQ(Anybody("GET", "/lake/k").status, 200);
    const char* far_away = R"(,"Condition":{"IpAddress":{"aws:SourceIp":["192.168.0.0/16"]}})";
    Owner("PUT", "/lake?policy", Policy("Allow", "s3:GetObject", far_away));
    EXPECT_EQ(Anybody("GET", "/lake/k").status, 403);
    EXPECT_THAT(Owner("GET", "/lake?policyStatus").body, HasSubstr("<IsPublic>false</IsPublic>"));
    Owner("PUT", "/lake?policy", Policy("Deny", "s3:*"));
    EXPECT_EQ(Owner("GET", "/lake").status, 403);
    EXPECT_EQ(Owner("DELETE", "/lake?policy").status, 204);
}

TEST_F(EndpointTest, PoliciesAreChecked) {
    auto code = [&](const std::string& policy) {
        auto body = Owner("PUT", "/lake?policy", policy).body;
        return body.find("MalformedPolicy") != body.npos;
    };
    EXPECT_TRUE(code("{}"));
    EXPECT_TRUE(code("not json"));
    EXPECT_TRUE(code(R"({"Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject"}]})"));
    EXPECT_TRUE(code(R"({"Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::lake/*"}]})"));
    EXPECT_TRUE(code(R"({"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::other/*"}})"));
    EXPECT_TRUE(code(R"({"Statement":{"Effect":"Allow","Principal":"*","Action":"ec2:Run","Resource":"arn:aws:s3:::lake/*"}})"));
    EXPECT_TRUE(code(Policy("Allow", "s3:GetObject", R"(,"Condition":{"Likes":{"aws:x":"y"}})")));
    std::mt19937 random(5);
    const std::string whole = Policy("Allow", "s3:GetObject", R"(,"Condition":{"StringLike":{"aws:Referer":["a*","b"]}})");
    for (int i = 0; i < 3000; ++i) {
        std::string text = whole;
        for (int change = 0; change < 3; ++change) text[random() % text.size()] = static_cast<char>(random() % 128);
        (void)BucketPolicy::Parse(text);
    }
}

TEST_F(EndpointTest, ThePublicAccessBlockComesFirst) {
    Owner("PUT", "/lake/k", "hello");
    Owner("PUT", "/lake?policy", Policy("Allow", "s3:GetObject"));
    auto block = [&](const char* flag) {
        Owner("PUT", "/lake?publicAccessBlock", std::string("<PublicAccessBlockConfiguration><") + flag + ">true</" + flag +
              "></PublicAccessBlockConfiguration>");
    };
    block("RestrictPublicBuckets");
    EXPECT_EQ(Anybody("GET", "/lake/k").status, 403);
    block("BlockPublicPolicy");
    EXPECT_EQ(Anybody("GET", "/lake/k").status, 200);
    EXPECT_EQ(Owner("PUT", "/lake?policy", Policy("Allow", "s3:*")).status, 403);
}

TEST_F(EndpointTest, CannedAclsWorkWhereOwnershipLetsThem) {
    EXPECT_EQ(Send(true, "PUT", "/lake/k", "x", {{"x-amz-acl", "public-read"}}).status, 400);
    Owner("PUT", "/lake?ownershipControls", "<OwnershipControls><Rule><ObjectOwnership>ObjectWriter</ObjectOwnership></Rule>"
          "</OwnershipControls>");
    EXPECT_EQ(Send(true, "PUT", "/lake/k", "x", {{"x-amz-acl", "public-read"}}).status, 200);
    Owner("PUT", "/lake/private", "x");
    EXPECT_EQ(Anybody("GET", "/lake/k").status, 200);
    EXPECT_EQ(Anybody("GET", "/lake/private").status, 403);
    EXPECT_THAT(Owner("GET", "/lake/k?acl").body, HasSubstr("AllUsers"));
    EXPECT_EQ(Send(true, "PUT", "/lake?acl", "", {{"x-amz-acl", "public-read"}}).status, 200);
    EXPECT_EQ(Anybody("GET", "/lake").status, 200);
    EXPECT_EQ(Send(true, "PUT", "/lake/k?acl", "", {{"x-amz-acl", "private"}}).status, 200);
    EXPECT_EQ(Anybody("GET", "/lake/k").status, 403);
}

TEST_F(EndpointTest, BrowsersAreAnsweredByTheBucketsRules) {
    auto preflight = [&](const std::string& origin, const std::string& method, const std::string& headers = "") {
        api::WireHeaders sent{{"origin", origin}, {"access-control-request-method", method}};
        if (!headers.empty()) sent.emplace_back("access-control-request-headers", headers);
        return Send(false, "OPTIONS", "/lake/k", "", sent);
    };
    EXPECT_EQ(preflight("https://a.example", "PUT").status, 403);
    Owner("PUT", "/lake?cors", "<CORSConfiguration><CORSRule><AllowedOrigin>https://*.example</AllowedOrigin>"
          "<AllowedMethod>PUT</AllowedMethod><AllowedMethod>GET</AllowedMethod><AllowedHeader>x-amz-*</AllowedHeader>"
          "<ExposeHeader>ETag</ExposeHeader><MaxAgeSeconds>300</MaxAgeSeconds></CORSRule></CORSConfiguration>");
    auto allowed = preflight("https://a.example", "PUT", "X-Amz-Date, x-amz-acl");
    EXPECT_EQ(allowed.status, 200);
    EXPECT_EQ(allowed.headers.at("access-control-allow-origin"), "https://a.example");
    EXPECT_EQ(allowed.headers.at("access-control-allow-headers"), "x-amz-date, x-amz-acl");
    EXPECT_EQ(allowed.headers.at("access-control-max-age"), "300");
    EXPECT_EQ(preflight("https://a.example", "PUT", "authorization").status, 403);
    EXPECT_EQ(preflight("https://a.other", "PUT").status, 403);
    EXPECT_EQ(preflight("https://a.example", "DELETE").status, 403);
    auto get = Send(true, "GET", "/lake/none", "", {{"origin", "https://b.example"}});
    EXPECT_EQ(get.headers.at("access-control-expose-headers"), "ETag");
    EXPECT_FALSE(Send(true, "GET", "/lake/none", "", {{"origin", "https://b.other"}}).headers.contains("access-control-allow-origin"));
}

std::string FormBody(const std::vector<std::pair<std::string, std::string>>& fields, const std::string& file) {
    std::string body;
    for (const auto& [name, value] : fields) {
        body += "--XX\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n";
    }
    return body + "--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"photo.jpg\"\r\nContent-Type: image/jpeg\r\n\r\n" +
           file + "\r\n--XX--\r\n";
}

TEST_F(EndpointTest, AFormUploadsWhatItsPolicyAllows) {
    const auto now = clock_->Now();
    const std::string date = api::SigV4Timestamp(now);
    const std::string scope = date.substr(0, 8) + "/us-east-1/s3/aws4_request";
    auto post = [&](const std::string& conditions, std::vector<std::pair<std::string, std::string>> fields,
                    const std::string& file, const std::string& secret = "secret") {
        const std::string policy = codec::EncodeBase64(R"({"expiration":"2099-01-01T00:00:00Z","conditions":[)" + conditions +
                                                       R"({"x-amz-algorithm":"AWS4-HMAC-SHA256"},{"x-amz-credential":"AKID/)" +
                                                       scope + R"("},{"x-amz-date":")" + date + R"("}]})");
        auto key = api::SigningKey(secret, date.substr(0, 8), "us-east-1", "s3");
        fields.emplace_back("policy", policy);
        fields.emplace_back("X-Amz-Algorithm", "AWS4-HMAC-SHA256");
        fields.emplace_back("X-Amz-Credential", "AKID/" + scope);
        fields.emplace_back("X-Amz-Date", date);
        fields.emplace_back("X-Amz-Signature", api::SignString(key, policy));
        return Send(false, "POST", "/lake", FormBody(fields, file), {{"content-type", "multipart/form-data; boundary=XX"}});
    };
    const std::string rules = R"({"bucket":"lake"},["starts-with","$key","up/"],["content-length-range",1,20],)";
    EXPECT_EQ(post(rules, {{"key", "up/${filename}"}}, "a\r\n--X\r\nb").status, 204);
    EXPECT_EQ(Owner("GET", "/lake/up/photo.jpg").body, "a\r\n--X\r\nb");
    auto created = post(rules + R"({"success_action_status":"201"},["eq","$Content-Type","text/plain"],)",
                        {{"key", "up/2"}, {"success_action_status", "201"}, {"Content-Type", "text/plain"}}, "hello");
    EXPECT_EQ(created.status, 201);
    EXPECT_THAT(created.body, HasSubstr("<Key>up/2</Key>"));
    EXPECT_EQ(Owner("GET", "/lake/up/2").headers.at("content-type"), "text/plain");
    EXPECT_EQ(post(rules, {{"key", "other"}}, "x").status, 403);
    EXPECT_EQ(post(rules, {{"key", "up/x"}, {"acl", "private"}}, "x").status, 403);
    EXPECT_EQ(post(rules, {{"key", "up/x"}}, "x", "wrong").status, 403);
    EXPECT_THAT(post(rules, {{"key", "up/x"}}, std::string(21, 'x')).body, HasSubstr("EntityTooLarge"));
    EXPECT_THAT(post(rules, {{"key", "up/x"}}, "").body, HasSubstr("EntityTooSmall"));
    EXPECT_EQ(Owner("GET", "/lake/up/x").status, 404);
    auto unsigned_form = Send(false, "POST", "/lake", FormBody({{"key", "k"}}, "x"),
                              {{"content-type", "multipart/form-data; boundary=XX"}});
    EXPECT_EQ(unsigned_form.status, 403);
    auto broken = Send(false, "POST", "/lake", "--XX\r\nnonsense", {{"content-type", "multipart/form-data; boundary=XX"}});
    EXPECT_THAT(broken.body, HasSubstr("MalformedPOSTRequest"));
}

TEST(PostFormTest, SurvivesWhateverIsSent) {
    std::mt19937 random(3);
    const std::string whole = FormBody({{"key", "a"}, {"policy", std::string(300, 'p')}}, std::string(200, 'f'));
    for (int i = 0; i < 3000; ++i) {
        std::string text = whole;
        for (int change = 0; change < 4; ++change) text[random() % text.size()] = "\r\n-X\"=;:"[random() % 8];
        text.resize(random() % (text.size() + 1));
        PostForm form(api::MakeByteStream(std::move(text)), "XX");
        if (!env::RunTask(form.ReadFields()) || !form.has_file()) continue;
        for (;;) {
            auto piece = env::RunTask(form.ReadFile());
            if (!piece || piece->empty()) break;
        }
    }
}

TEST(LifecycleRules, SayWhatIsDue) {
    apis::s3::BucketLifecycleConfiguration configuration;
    auto& rule = configuration.Rules.emplace_back();
    rule.Status = "Enabled";
    rule.Filter.emplace().Prefix = "logs/";
    rule.Expiration.emplace().Days = 2;
    rule.NoncurrentVersionExpiration.emplace().NoncurrentDays = 1;
    rule.NoncurrentVersionExpiration->NewerNoncurrentVersions = 1;
    rule.AbortIncompleteMultipartUpload.emplace().DaysAfterInitiation = 3;
    ASSERT_TRUE(CheckLifecycle(configuration));
    EXPECT_EQ(rule.ID, "rule-1");
    const base::Instant day = base::FromUnixMs(1'700'006'400'000);  // 2023-11-15T00:00:00Z
    auto at = [&](double days) { return day + std::chrono::duration_cast<base::Duration>(std::chrono::duration<double, std::ratio<86400>>(days)); };
    auto version = [&](base::Instant modified, uint64_t number) {
        storage::ObjectEntry entry;
        entry.key = "logs/1";
        entry.metadata.modified = modified;
        entry.metadata.version = number;
        entry.metadata.attributes = EncodeAttributes({});
        return entry;
    };
    auto due = [&](std::vector<storage::ObjectEntry> versions, base::Instant now) {
        std::vector<uint64_t> numbers;
        for (auto& one : DueVersions(configuration, versions, now).value()) numbers.push_back(one.entry.metadata.version);
        return numbers;
    };
    using Numbers = std::vector<uint64_t>;
    EXPECT_EQ(due({version(at(0.5), 1)}, at(2.9)), Numbers{});
    EXPECT_EQ(due({version(at(0.5), 1)}, at(3.0)), Numbers{1});
    EXPECT_EQ(due({version(at(5), 4), version(at(2), 3), version(at(1), 2), version(at(0), 1)}, at(5.5)), (Numbers{2, 1}));
    auto marker = version(at(1), 9);
    marker.tombstone = true;
    EXPECT_EQ(due({marker}, at(2)), Numbers{});
    EXPECT_EQ(due({marker}, at(4)), Numbers{9});
    EXPECT_TRUE(UploadIsDue(configuration, "logs/x", at(0), at(3)));
    EXPECT_FALSE(UploadIsDue(configuration, "other", at(0), at(30)));
    auto wrong = configuration;
    wrong.Rules[0].Expiration->Days = 0;
    EXPECT_EQ(CheckLifecycle(wrong).error().code, "InvalidArgument");
    wrong = configuration;
    wrong.Rules[0].Prefix = "both";
    EXPECT_EQ(CheckLifecycle(wrong).error().code, "MalformedXML");
}

TEST_F(EndpointTest, WhatIsDueIsRemoved) {
    Owner("PUT", "/lake/old/1", "x");
    Owner("PUT", "/lake/new/1", "x");
    EXPECT_EQ(Owner("PUT", "/lake?lifecycle", "<LifecycleConfiguration><Rule><Status>Enabled</Status><Filter><Prefix>old/</Prefix>"
                    "</Filter><Expiration><Date>2020-01-01T00:00:00Z</Date></Expiration></Rule></LifecycleConfiguration>").status, 200);
    env::RunTask(service_->ApplyLifecycle("lake"));
    EXPECT_EQ(Owner("GET", "/lake/old/1").status, 404);
    EXPECT_EQ(Owner("GET", "/lake/new/1").status, 200);
}

}  // namespace
}  // namespace wellhead::services::s3
