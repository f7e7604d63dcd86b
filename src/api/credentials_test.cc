#include "api/credentials.h"

#include <gtest/gtest.h>

namespace wellhead::api {
namespace {

constexpr base::Instant kEnd{std::chrono::seconds(1'800'000'000)};

TEST(Credentials, ASessionKeyIsFoundByItsIdAlone) {
    auto store = MakeRootCredentials("AKIAROOT", "root secret", "000000000012");
    SessionKey made = MakeSessionKey("root secret", kEnd, {1, 2, 3, 4, 5, 6});
    EXPECT_EQ(made.access_key_id.size(), 20u);
    EXPECT_TRUE(made.access_key_id.starts_with("ASIA"));
    auto found = store->Find(made.access_key_id);
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(found->secret, made.secret);
    EXPECT_EQ(found->session_token, made.session_token);
    EXPECT_EQ(found->expiry, kEnd);
    EXPECT_EQ(found->identity.account_id, "000000000012");
    EXPECT_EQ(found->identity.access_key_id, made.access_key_id);
}

TEST(Credentials, AnotherIdHasAnotherSecret) {
    SessionKey one = MakeSessionKey("root secret", kEnd, {1, 2, 3, 4, 5, 6});
    SessionKey later = MakeSessionKey("root secret", kEnd + std::chrono::seconds(1), {1, 2, 3, 4, 5, 6});
    SessionKey other_root = MakeSessionKey("another secret", kEnd, {1, 2, 3, 4, 5, 6});
    EXPECT_NE(one.secret, later.secret);
    EXPECT_NE(one.session_token, later.session_token);
    EXPECT_EQ(one.access_key_id, other_root.access_key_id);
    EXPECT_NE(one.secret, other_root.secret);
    EXPECT_NE(one.secret, one.session_token);
}

TEST(Credentials, WhatIsNoKeyIsNotFound) {
    auto store = MakeRootCredentials("AKIAROOT", "root secret", "000000000012");
    for (const char* id : {"", "AKIA", "ASIA", "ASIA234", "ASIAabcdefghijklmnop", "ASIA0000000000000000", "ASIAAAAAAAAAAAAAAAAAA"}) {
        EXPECT_EQ(store->Find(id), nullptr) << id;
    }
    EXPECT_EQ(store->Find("AKIAROOT")->secret, "root secret");
}

}  // namespace
}  // namespace wellhead::api
