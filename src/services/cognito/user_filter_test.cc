#include "services/cognito/user_filter.h"

#include <gtest/gtest.h>

#include <random>

namespace wellhead::services::cognito {
namespace {

User Alice() {
    User user;
    user.username = "alice";
    user.status = "CONFIRMED";
    user.attributes = {{"sub", "1"}, {"email", "Alice@Example.com"}, {"name", "A \"B\""}};
    return user;
}

TEST(UserFilter, OneComparisonIsUnderstood) {
    for (const char* text : {"", "username = \"alice\"", "email=\"alice@example.com\"", "email ^= \"ali\"",
                             "cognito:user_status = \"CONFIRMED\"", "status=\"Enabled\"", R"(name = "A \"B\"")"}) {
        auto filter = UserFilter::Parse(text);
        ASSERT_TRUE(filter.has_value()) << text;
        EXPECT_TRUE(filter->Matches(Alice())) << text;
    }
    EXPECT_FALSE(UserFilter::Parse("email = \"ali\"")->Matches(Alice()));
}

TEST(UserFilter, AnythingElseIsRefused) {
    for (const char* text : {"email", "email = alice", "email = \"a", "email = \"a\" and x", "custom:x = \"a\"", "="}) {
        EXPECT_FALSE(UserFilter::Parse(text).has_value()) << text;
    }
    std::mt19937 random(2);
    for (int i = 0; i < 3000; ++i) {
        std::string text(random() % 40, '\0');
        for (char& c : text) c = "email ^=\"\\ab"[random() % 12];
        static_cast<void>(UserFilter::Parse(text));
    }
}

}  // namespace
}  // namespace wellhead::services::cognito
