#include "api/sigv4.h"

#include "api/sigv2.h"

#include <gtest/gtest.h>

#include "api/testdata/sigv4_suite.h"
#include "api/uri.h"

namespace wellhead::api {
namespace {

using namespace std::chrono_literals;

struct Message {
    std::string method;
    std::string path;
    std::string query;
    WireHeaders headers;
    std::string authority;
    std::string body;

    SigV4Request View() const { return {method, path, query, headers, authority}; }
};

// The suite's requests, with LF for CRLF.
Message ReadMessage(std::string_view text) {
    Message message;
    size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    size_t space = line.find(' ');
    message.method = line.substr(0, space);
    std::string_view target = line.substr(space + 1, line.rfind(' ') - space - 1);
    message.path = target.substr(0, target.find('?'));
    if (target.find('?') != target.npos) message.query = target.substr(target.find('?') + 1);
    while (end != text.npos) {
        text.remove_prefix(end + 1);
        end = text.find('\n');
        line = text.substr(0, end);
        if (line.empty()) break;
        size_t colon = line.find(':');
        std::string name(line.substr(0, colon));
        for (char& c : name) c = static_cast<char>(tolower(c));
        std::string value(line.substr(colon + 1));
        if (value.starts_with(' ')) value.erase(0, 1);
        if (name == "host") message.authority = value;
        message.headers.emplace_back(name, value);
    }
    if (end != text.npos) message.body = text.substr(end + 1);
    return message;
}

AccessKey SuiteKey(const std::string& token) {
    AccessKey key;
    key.secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    key.session_token = token;
    return key;
}

TEST(SigV4, EveryCaseOfTheSuiteVerifies) {
    SigV4Rules rules;
    rules.region = "us-east-1";
    rules.service = "service";
    rules.now = *ParseSigV4Timestamp("20150830T123600Z");
    for (const SigV4SuiteCase& c : kSigV4Suite) {
        Message message = ReadMessage(c.signed_request);
        auto claim = ReadSignature(message.View());
        ASSERT_TRUE(claim && *claim) << c.name;
        EXPECT_EQ((*claim)->access_key_id, "AKIDEXAMPLE");
        // In one case the token is added after signing, as clients of some services do.
        std::string token = (*claim)->session_token;
        if (!token.empty() && !(*claim)->Signs("x-amz-security-token")) {
            std::erase_if(message.headers, [](auto& h) { return h.first == "x-amz-security-token"; });
        }
        auto verified = VerifySignature(message.View(), **claim, SuiteKey(token), Sha256Hex(message.body), rules);
        EXPECT_TRUE(verified.has_value()) << c.name << "\n" << (verified ? "" : verified.error().message + "\n" + verified.error().canonical_request) << "\nexpected\n" << c.canonical_request;
        // One changed digit of the signature, and it does not.
        SignatureClaim changed = **claim;
        changed.signature[10] = changed.signature[10] == 'a' ? 'b' : 'a';
        auto refused = VerifySignature(message.View(), changed, SuiteKey(token), Sha256Hex(message.body), rules);
        ASSERT_FALSE(refused.has_value()) << c.name;
        EXPECT_EQ(refused.error().failure, SigV4Failure::kMismatch) << c.name;
        EXPECT_EQ(refused.error().canonical_request, c.canonical_request) << c.name;
    }
}

TEST(SigV4, TheDocumentedSigningKeyIsDerived) {
    // AWS General Reference, "Examples of how to derive a signing key".
    EXPECT_EQ(DigestHex(SigningKey("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "20150830", "us-east-1", "iam")),
              "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9");
}

TEST(SigV4, TheDocumentedPresignedUrlVerifies) {
    // Amazon S3 API reference, "Authenticating requests: using query parameters".
    Message message;
    message.method = "GET";
    message.path = "/test.txt";
    message.query =
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_"
        "request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature="
        "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
    message.authority = "examplebucket.s3.amazonaws.com";
    auto claim = ReadSignature(message.View());
    ASSERT_TRUE(claim && *claim);
    SigV4Rules rules;
    rules.s3 = true;
    rules.service = "s3";
    rules.now = *ParseSigV4Timestamp("20130524T235959Z");
    AccessKey key;
    key.secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    EXPECT_TRUE(VerifySignature(message.View(), **claim, key, kUnsignedPayload, rules).has_value());
    rules.now += 2s;
    EXPECT_EQ(VerifySignature(message.View(), **claim, key, kUnsignedPayload, rules).error().failure,
              SigV4Failure::kExpired);
    rules.now = *ParseSigV4Timestamp("20130523T234459Z");
    EXPECT_EQ(VerifySignature(message.View(), **claim, key, kUnsignedPayload, rules).error().failure,
              SigV4Failure::kSkewed);
}

TEST(SigV4, AnAuthorityInPlaceOfHostIsSignedByHttp2Clients) {
    Message message;
    message.method = "POST";
    message.path = "/";
    message.authority = "127.0.0.1:19000";
    EXPECT_EQ(CanonicalHeaders(message.View(), {":authority"}), ":authority:127.0.0.1:19000\n");
}

TEST(SigV4, PathsAreEncodedTwiceExceptForS3) {
    EXPECT_EQ(CanonicalPath("/topics/a%2Fb", false), "/topics/a%252Fb");
    EXPECT_EQ(CanonicalPath("/functions/arn%3Aaws", false), "/functions/arn%253Aaws");
    EXPECT_EQ(CanonicalPath("/a//b/./c/../d/", false), "/a/b/d/");
    EXPECT_EQ(CanonicalPath("/b/a%2Fb//c/../d", true), "/b/a/b//c/../d");
    EXPECT_EQ(CanonicalPath("/b/a b(1)+%28", true), "/b/a%20b%281%29%2B%28");
    EXPECT_EQ(CanonicalPath("", true), "/");
    EXPECT_EQ(CanonicalPath("/..", false), "/");
}

TEST(SigV4, QueriesAreSortedAfterEncoding) {
    EXPECT_EQ(CanonicalQuery("b=2&a=1&a=0&acl&x-id=Put&c=%7e%2f+", {}), "a=0&a=1&acl=&b=2&c=~%2F%2B&x-id=Put");
    EXPECT_EQ(CanonicalQuery("&&a=1&", {}), "a=1");
    EXPECT_EQ(CanonicalQuery("X-Amz-Signature=1&a=1", {"X-Amz-Signature"}), "a=1");
}

TEST(SigV4, TimesAreReadInBothForms) {
    auto basic = ParseSigV4Timestamp("20130524T000000Z");
    ASSERT_TRUE(basic);
    EXPECT_EQ(ParseSigV4Timestamp("Fri, 24 May 2013 00:00:00 GMT"), basic);
    EXPECT_EQ(SigV4Timestamp(*basic), "20130524T000000Z");
    for (const char* bad : {"", "20130524", "20130524T000000", "20130524T000000Zx", "2013-05-24T00:00:00Z",
                            "20131324T000000Z", "now"}) {
        EXPECT_FALSE(ParseSigV4Timestamp(bad)) << bad;
    }
}

TEST(SigV4, WhatWeSignVerifies) {
    WireRequest request;
    request.method = "PUT";
    request.path = "/things/a%3Ab";
    request.query = "x=1&a=%20";
    request.headers = {{"content-type", "application/json"}};
    SigningIdentity identity{"AKID", "secret", "token", "eu-west-1"};
    base::Instant now = *ParseSigV4Timestamp("20260101T000000Z");
    SignRequest(request, "h:1", "iot", identity, Sha256Hex("{}"), now);
    SigV4Request view{request.method, request.path, request.query, request.headers, "h:1"};
    auto claim = ReadSignature(view);
    ASSERT_TRUE(claim && *claim);
    AccessKey key;
    key.secret = "secret";
    key.session_token = "token";
    SigV4Rules rules;
    rules.region = "eu-west-1";
    rules.service = "iot";
    rules.now = now + 14min;
    EXPECT_TRUE(VerifySignature(view, **claim, key, Sha256Hex("{}"), rules).has_value());
    key.session_token = "other";
    EXPECT_EQ(VerifySignature(view, **claim, key, Sha256Hex("{}"), rules).error().failure, SigV4Failure::kBadToken);
}

TEST(SigV4, TwoSignaturesAtOnceAndOtherMechanismsAreRefused) {
    Message message;
    message.method = "GET";
    message.path = "/";
    message.query = "X-Amz-Algorithm=AWS4-HMAC-SHA256";
    message.headers = {{"authorization", "AWS4-HMAC-SHA256 Credential=x"}};
    EXPECT_EQ(ReadSignature(message.View()).error().failure, SigV4Failure::kUnsupported);
    message.query.clear();
    message.headers = {{"authorization", "AWS4-ECDSA-P256-SHA256 Credential=x"}};
    EXPECT_EQ(ReadSignature(message.View()).error().failure, SigV4Failure::kUnsupported);
    message.headers = {{"authorization", "Bearer x"}};
    EXPECT_FALSE(ReadSignature(message.View()).value().has_value());
    message.headers.clear();
    message.query = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=1";
    EXPECT_EQ(ReadSignature(message.View()).error().failure, SigV4Failure::kBadQuery);
}

TEST(SigV2, APresignedAddressOfBoto3VerifiesUntilItExpires) {
    Message message;
    message.method = "GET";
    message.path = "/bkt/a%20b%2Bc";
    message.query =
        "response-content-type=text%2Fx%20y&AWSAccessKeyId=AKIDEXAMPLE&Signature=Pzd4WMJjbFj22nLat6bED2Ql5hA%3D&"
        "Expires=1795512962";
    AccessKey key;
    key.secret = "secret";
    base::Instant expiry = base::Instant(1795512962s);
    auto claim = ReadSigV2(message.query);
    ASSERT_TRUE(claim);
    EXPECT_TRUE(VerifySigV2(message.View(), *claim, key, "", expiry).has_value());
    EXPECT_EQ(VerifySigV2(message.View(), *claim, key, "", expiry + 1s).error().failure, SigV4Failure::kExpired);
    message.method = "PUT";
    EXPECT_EQ(VerifySigV2(message.View(), *claim, key, "", expiry).error().failure, SigV4Failure::kMismatch);
    message.method = "GET";
    message.path = "/a%20b%2Bc";
    EXPECT_TRUE(VerifySigV2(message.View(), *claim, key, "bkt", expiry).has_value());
    key.secret = "other";
    EXPECT_EQ(VerifySigV2(message.View(), *claim, key, "bkt", expiry).error().failure, SigV4Failure::kMismatch);
    EXPECT_FALSE(ReadSigV2("Signature=1&Expires=2"));
}

TEST(Uri, EncodingAndDecodingAreInverse) {
    std::string all;
    for (int c = 0; c < 256; ++c) all.push_back(static_cast<char>(c));
    EXPECT_EQ(UriDecode(UriEncode(all, true)), all);
    EXPECT_EQ(UriDecode("%zz"), std::nullopt);
    EXPECT_EQ(UriDecode("a%2"), std::nullopt);
    EXPECT_EQ(UriDecode("a+b"), "a+b");
}

}  // namespace
}  // namespace wellhead::api
