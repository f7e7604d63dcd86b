#include "gateway/gateway.h"

#include <gtest/gtest.h>

#include "api/sigv4.h"
#include "api/uri.h"
#include "env/run_task.h"
#include "env/posix/posix.h"

namespace wellhead::gateway {
namespace {

using namespace std::chrono_literals;

constexpr base::Instant kNow = base::Instant(std::chrono::seconds(1'790'000'000));

class FixedClock final : public env::Clock {
  public:
    base::Instant Now() override { return now; }
    base::Tick Ticks() override { return base::Tick(); }
    base::Instant now = kNow;
};

// Says what reached it.
class FakeService final : public api::Service {
  public:
    FakeService(std::string name, std::string target) : name_(std::move(name)), target_(std::move(target)) {}
    std::string_view signing_name() const override { return name_; }
    std::string_view target_prefix() const override { return target_; }
    api::Protocol protocol() const override { 
        if (name_ == "s3") return api::Protocol::kRestXml;
        return target_.empty() ? api::Protocol::kRestJson : api::Protocol::kJson;
    }
    std::string_view OperationOf(const api::WireRequest& request) const override {
        for (const auto& [field, value] : request.headers) {
            if (field == "x-amz-target" && value.ends_with(".Open")) return "Open";
            if (field == "x-amz-target") return "Closed";
        }
        return "";
    }
    bool AllowsUnsigned(std::string_view operation) const override { return operation == "Open"; }
    env::Task<api::WireResponse> Call(api::CallContext context, api::WireRequest request) override {
        ++calls;
        last_context = context;
        last_path = request.path;
        last_headers = request.headers;
        api::WireResponse response;
        std::string body;
        for (;;) {
            auto piece = co_await request.body->Read();
            if (!piece) {
                response.status = 400;
                response.body = "body: " + std::string(base::ErrorCodeName(piece.error().code));
                co_return response;
            }
            if (piece->empty()) break;
            body += *piece;
        }
        response.body = name_ + ":" + body;
        co_return response;
    }
    api::WireResponse Refuse(const api::WireRequest&, const std::string&,
                             const api::ServiceError& error) const override {
        api::WireResponse response;
        response.status = error.http_status;
        response.body = error.code;
        return response;
    }
    int calls = 0;
    api::CallContext last_context;
    std::string last_path;
    api::WireHeaders last_headers;

  private:
    const std::string name_;
    const std::string target_;
};

class MemoryBody final : public net::BodyReader {
  public:
    explicit MemoryBody(std::string bytes) : bytes_(std::move(bytes)), size_(bytes_.size()) {}
    env::Task<base::Result<base::Bytes>> Read() override { co_return std::exchange(bytes_, {}); }
    std::optional<uint64_t> length() const override { return size_; }
    const net::Headers& trailers() const override { return trailers_; }

  private:
    std::string bytes_;
    const uint64_t size_;
    net::Headers trailers_;
};

class SaysKey final : public net::HttpHandler {
  public:
    env::Task<net::HttpResponse> Handle(net::HttpRequest& request) override {
        net::HttpResponse response;
        response.body = "key=" + request.signed_access_key_id;
        co_return response;
    }
};

class GatewayTest : public testing::Test {
  protected:
    GatewayTest()
        : random_(env::posix::MakeRandom()),
          keys_(api::MakeRootCredentials("AKIDEXAMPLE", "secret", "123456789012")),
          gateway_({"123456789012", "eu-west-1", "wells.example", 1000, 1500}, *keys_, clock_, *random_) {
        gateway_.AddService(kinesis_);
        gateway_.AddService(s3_);
        gateway_.AddRoute({"health", PathPrefix("/health"), &plain_, ""});
        gateway_.AddRoute({"mqtt", PathPrefix("/mqtt"), &plain_, "iotdevicegateway"});
    }

    struct Answer {
        int status;
        std::string body;
        net::Headers headers;
    };

    Answer Ask(api::WireRequest wire, const std::string& body, const std::string& host) {
        net::HttpRequest request;
        request.method = wire.method;
        request.target = wire.path + (wire.query.empty() ? "" : "?" + wire.query);
        request.authority = host;
        request.headers.Add("host", host);
        for (auto& [name, value] : wire.headers) request.headers.Add(name, value);
        MemoryBody reader(body);
        request.body = &reader;
        net::HttpResponse response;
        env::RunTask(Handle(request, response));
        return {response.status, std::get<base::Bytes>(response.body), response.headers};
    }

    env::Task<void> Handle(net::HttpRequest& request, net::HttpResponse& response) {
        response = co_await gateway_.Handle(request);
    }

    api::WireRequest Signed(const std::string& service, const std::string& method, const std::string& path,
                            const std::string& body, const std::string& host, std::string payload = "") {
        api::WireRequest wire;
        wire.method = method;
        wire.path = path;
        if (payload.empty()) payload = api::Sha256Hex(body);
        if (service == "kinesis") wire.headers.emplace_back("x-amz-target", "Kinesis_1.Closed");
        api::SignRequest(wire, host, service, identity_, payload, clock_.now);
        return wire;
    }

    FixedClock clock_;
    std::unique_ptr<env::Random> random_;
    std::unique_ptr<api::CredentialStore> keys_;
    FakeService kinesis_{"kinesis", "Kinesis_1"};
    FakeService s3_{"s3", ""};
    SaysKey plain_;
    Gateway gateway_;
    api::SigningIdentity identity_{"AKIDEXAMPLE", "secret", "", "eu-west-1"};
};

TEST_F(GatewayTest, ASignedCallReachesItsServiceWithItsCaller) {
    Answer answer = Ask(Signed("kinesis", "POST", "/", "{}", "h"), "{}", "h");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "kinesis:{}");
    EXPECT_TRUE(kinesis_.last_context.caller.authenticated);
    EXPECT_EQ(kinesis_.last_context.caller.arn, "arn:aws:iam::123456789012:root");
    EXPECT_EQ(answer.headers.Find("x-amzn-requestid"), kinesis_.last_context.request_id);
}

TEST_F(GatewayTest, WhatDoesNotHoldIsRefusedWithTheDocumentedCodeAndNeverReachesTheService) {
    struct Case {
        const char* what;
        std::function<void(api::WireRequest&, std::string&)> change;
        const char* code;
    };
    auto header = [](api::WireRequest& wire, std::string_view name) -> std::string& {
        for (auto& [field, value] : wire.headers) {
            if (field == name) return value;
        }
        wire.headers.emplace_back(name, "");
        return wire.headers.back().second;
    };
    auto replace = [](std::string& text, std::string_view from, std::string_view to) {
        text.replace(text.find(from), from.size(), to);
    };
    const Case kCases[] = {
        {"none", [&](auto& wire, auto&) { std::erase_if(wire.headers, [](auto& h) { return h.first == "authorization"; }); },
         "MissingAuthenticationTokenException"},
        {"key", [&](auto& wire, auto&) { replace(header(wire, "authorization"), "AKIDEXAMPLE", "AKIDOTHER00"); },
         "UnrecognizedClientException"},
        {"region", [&](auto& wire, auto&) { replace(header(wire, "authorization"), "eu-west-1", "us-east-1"); },
         "InvalidSignatureException"},
        {"signature", [&](auto& wire, auto&) {
             char& last = header(wire, "authorization").back();
             last = last == '0' ? '1' : '0';
         }, "InvalidSignatureException"},
        {"upper case", [&](auto& wire, auto&) { header(wire, "authorization") += "A"; }, "InvalidSignatureException"},
        {"body", [&](auto&, auto& body) { body += " "; }, "InvalidSignatureException"},
        {"method", [&](auto& wire, auto&) { wire.method = "PUT"; }, "InvalidSignatureException"},
        {"path", [&](auto& wire, auto&) { wire.path = "/x"; }, "InvalidSignatureException"},
        {"query", [&](auto& wire, auto&) { wire.query = "a=b"; }, "InvalidSignatureException"},
        {"target", [&](auto& wire, auto&) { header(wire, "x-amz-target") = "Kinesis_1.Other"; },
         "InvalidSignatureException"},
        {"unsigned header", [&](auto& wire, auto&) { wire.headers.emplace_back("x-amz-new", "1"); },
         "InvalidSignatureException"},
        {"old", [&](auto&, auto&) { clock_.now = kNow + 16min; }, "InvalidSignatureException"},
        {"future", [&](auto&, auto&) { clock_.now = kNow - 16min; }, "InvalidSignatureException"},
        {"token", [&](auto& wire, auto&) {
             header(wire, "x-amz-security-token") = "t";
             replace(header(wire, "authorization"), "x-amz-target", "x-amz-security-token;x-amz-target");
         }, "UnrecognizedClientException"},
        {"incomplete", [&](auto& wire, auto&) { header(wire, "authorization") = "AWS4-HMAC-SHA256 Credential=x"; },
         "IncompleteSignatureException"},
        {"no date", [&](auto& wire, auto&) { std::erase_if(wire.headers, [](auto& h) { return h.first == "x-amz-date"; }); },
         "IncompleteSignatureException"},
        {"version 2", [&](auto& wire, auto&) { header(wire, "authorization") = "AWS AKID:sig"; },
         "IncompleteSignatureException"},
    };
    for (const Case& c : kCases) {
        clock_.now = kNow;
        std::string body = "{}";
        api::WireRequest wire = Signed("kinesis", "POST", "/", body, "h");
        c.change(wire, body);
        Answer answer = Ask(std::move(wire), body, "h");
        EXPECT_EQ(answer.body, c.code) << c.what;
        EXPECT_EQ(answer.status, 400) << c.what;
    }
    clock_.now = kNow;
    EXPECT_EQ(Ask(Signed("kinesis", "POST", "/", "{}", "h"), "{}", "other").status, 400);
    EXPECT_EQ(kinesis_.calls, 0);
}

TEST_F(GatewayTest, AnOperationThatIsOpenNeedsNoSignature) {
    api::WireRequest wire;
    wire.method = "POST";
    wire.path = "/";
    wire.headers = {{"x-amz-target", "Kinesis_1.Open"}};
    EXPECT_EQ(Ask(std::move(wire), "x", "h").body, "kinesis:x");
    EXPECT_FALSE(kinesis_.last_context.caller.authenticated);
}

TEST_F(GatewayTest, AnUnknownScopeOrTargetIsNamedInTheError) {
    Answer answer = Ask(Signed("ses", "POST", "/", "", "h"), "", "h");
    EXPECT_EQ(answer.status, 400);
    EXPECT_NE(answer.body.find("'ses'"), std::string::npos);
    api::WireRequest wire;
    wire.method = "POST";
    wire.path = "/";
    wire.headers = {{"x-amz-target", "Foo.Bar"}};
    EXPECT_NE(Ask(std::move(wire), "", "h").body.find("Foo.Bar"), std::string::npos);
}

TEST_F(GatewayTest, ALargeBodyIsRefused) {
    std::string body(1001, 'x');
    EXPECT_EQ(Ask(Signed("kinesis", "POST", "/", body, "h"), body, "h").status, 413);
}

TEST(BodyBudget, WhatIsTakenTogetherIsBoundedAndComesBack) {
    BodyBudget budget(100);
    {
        BodyBudget::Share a(budget);
        BodyBudget::Share b(budget);
        EXPECT_TRUE(a.Take(60));
        EXPECT_FALSE(b.Take(60));
        EXPECT_TRUE(b.Take(40));
        EXPECT_FALSE(a.Take(1));
    }
    EXPECT_EQ(budget.used(), 0u);
}

TEST_F(GatewayTest, ABodyIsNotReadForWhoHasNoKey) {
    identity_.access_key_id = "AKIDOTHER";
    std::string body(1001, 'x');
    EXPECT_EQ(Ask(Signed("kinesis", "POST", "/", body, "h"), body, "h").body, "UnrecognizedClientException");
}

TEST_F(GatewayTest, S3sBodyIsCheckedAgainstItsHashAtTheEnd) {
    EXPECT_EQ(Ask(Signed("s3", "PUT", "/b/k", "data", "h"), "data", "h").body, "s3:data");
    EXPECT_EQ(Ask(Signed("s3", "PUT", "/b/k", "data", "h"), "date", "h").body, "body: conflict");
    EXPECT_EQ(Ask(Signed("s3", "PUT", "/b/k", "", "h", "UNSIGNED-PAYLOAD"), "any", "h").body, "s3:any");
    EXPECT_EQ(Ask(Signed("s3", "PUT", "/b/k", "", "h", "NONSENSE"), "any", "h").body, "InvalidRequest");
}

TEST_F(GatewayTest, AwsChunkedFramingIsTakenOff) {
    api::WireRequest wire;
    wire.method = "PUT";
    wire.path = "/b/k";
    wire.headers = {{"content-encoding", "aws-chunked,gzip"},
                    {"x-amz-decoded-content-length", "5"},
                    {"x-amz-trailer", "x-amz-checksum-crc32"}};
    api::SignRequest(wire, "h", "s3", identity_, api::kStreamingUnsignedTrailer, kNow);
    Answer answer = Ask(std::move(wire), "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n", "h");
    EXPECT_EQ(answer.body, "s3:hello");
    EXPECT_NE(std::find(s3_.last_headers.begin(), s3_.last_headers.end(),
                        std::pair<std::string, std::string>("content-encoding", "gzip")),
              s3_.last_headers.end());
}

TEST_F(GatewayTest, ABucketInTheHostMovesIntoThePathAfterTheSignatureWasChecked) {
    EXPECT_EQ(Ask(Signed("s3", "GET", "/k", "", "bkt.s3.eu-west-1.wells.example:4566"), "", "bkt.s3.eu-west-1.wells.example:4566").status, 200);
    EXPECT_EQ(s3_.last_path, "/bkt/k");
    EXPECT_EQ(Ask(Signed("s3", "GET", "/", "", "bkt.localhost:4566"), "", "bkt.localhost:4566").status, 200);
    EXPECT_EQ(s3_.last_path, "/bkt");
    EXPECT_EQ(Ask(Signed("s3", "GET", "/bkt/k", "", "127.0.0.1:4566"), "", "127.0.0.1:4566").status, 200);
    EXPECT_EQ(s3_.last_path, "/bkt/k");
}

TEST_F(GatewayTest, APresignedAddressHoldsUntilItExpires) {
    api::WireRequest wire;
    wire.method = "GET";
    wire.path = "/b/k";
    wire.query = api::PresignQuery("GET", "/b/k", "x-id=GetObject", "h", "s3", identity_, 60, false, kNow);
    std::string query = wire.query;
    auto again = [&](const std::string& changed) {
        api::WireRequest copy;
        copy.method = "GET";
        copy.path = "/b/k";
        copy.query = changed;
        return Ask(std::move(copy), "", "h");
    };
    EXPECT_EQ(again(query).status, 200);
    EXPECT_EQ(again(query + "&versionId=1").body, "SignatureDoesNotMatch");
    std::string longer = query;
    longer.replace(longer.find("Expires=60"), 10, "Expires=90");
    EXPECT_EQ(again(longer).body, "SignatureDoesNotMatch");
    std::string endless = query;
    endless.replace(endless.find("Expires=60"), 10, "Expires=604801");
    EXPECT_EQ(again(endless).body, "AuthorizationQueryParametersError");
    clock_.now = kNow + 61s;
    EXPECT_EQ(again(query).status, 403);
    EXPECT_EQ(again(query).body, "AccessDenied");
}

TEST_F(GatewayTest, AnUnsignedS3RequestIsDenied) {
    api::WireRequest wire;
    wire.method = "GET";
    wire.path = "/b/k";
    Answer answer = Ask(std::move(wire), "", "h");
    EXPECT_EQ(answer.status, 403);
    EXPECT_EQ(answer.body, "AccessDenied");
}

TEST_F(GatewayTest, APlainRouteTakesWhatIsUnsignedASignedRequestGoesToItsService) {
    api::WireRequest wire;
    wire.method = "GET";
    wire.path = "/health";
    EXPECT_EQ(Ask(std::move(wire), "", "h").body, "key=");
    EXPECT_EQ(Ask(Signed("s3", "GET", "/health", "", "h"), "", "h").body, "s3:");
}

TEST_F(GatewayTest, MqttOverWebSocketNeedsItsSignatureWithTheTokenOutside) {
    api::WireRequest wire;
    wire.method = "GET";
    wire.path = "/mqtt";
    EXPECT_EQ(Ask(std::move(wire), "", "h").status, 403);
    api::WireRequest good;
    good.method = "GET";
    good.path = "/mqtt";
    good.query = api::PresignQuery("GET", "/mqtt", "", "h", "iotdevicegateway", identity_, 60, true, kNow);
    EXPECT_EQ(Ask(std::move(good), "", "h").body, "key=AKIDEXAMPLE");
}

TEST_F(GatewayTest, APreflightIsAnsweredAndAnswersToOtherOriginsMayBeRead) {
    api::WireRequest preflight;
    preflight.method = "OPTIONS";
    preflight.path = "/";
    preflight.headers = {{"origin", "http://a"}, {"access-control-request-method", "POST"},
                         {"access-control-request-headers", "x-amz-target"}};
    Answer answer = Ask(std::move(preflight), "", "h");
    EXPECT_EQ(answer.status, 204);
    EXPECT_EQ(answer.headers.Find("access-control-allow-origin"), "*");
    EXPECT_EQ(answer.headers.Find("access-control-allow-headers"), "x-amz-target");
    api::WireRequest wire = Signed("kinesis", "POST", "/", "", "h");
    wire.headers.emplace_back("origin", "http://a");
    EXPECT_EQ(Ask(std::move(wire), "", "h").headers.Find("access-control-allow-origin"), "*");
}

TEST(Routing, BucketsAreReadFromHostsInEveryStyle) {
    EXPECT_EQ(BucketOfHost("a.b.s3.eu-west-1.x:1", ""), "a.b");
    EXPECT_EQ(BucketOfHost("bkt.s3.x", ""), "bkt");
    EXPECT_EQ(BucketOfHost("bkt.s3-eu-west-1.amazonaws.com", ""), "bkt");
    EXPECT_EQ(BucketOfHost("a.b.localhost:4566", ""), "a.b");
    EXPECT_EQ(BucketOfHost("s3.localhost", ""), std::nullopt);
    EXPECT_EQ(BucketOfHost("s3.eu-west-1.wells.example", "wells.example"), std::nullopt);
    EXPECT_EQ(BucketOfHost("wells.example:80", "wells.example"), std::nullopt);
    EXPECT_EQ(BucketOfHost("127.0.0.1:80", ""), std::nullopt);
    EXPECT_EQ(BucketOfHost("[::1]:80", ""), std::nullopt);
    EXPECT_EQ(BucketOfHost("", ""), std::nullopt);
}

}  // namespace
}  // namespace wellhead::gateway
