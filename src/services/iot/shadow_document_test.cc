#include "services/iot/shadow_document.h"

#include <gtest/gtest.h>

#include <random>

namespace wellhead::services::iot {
namespace {

constexpr base::Instant kNow = base::FromUnixMs(1'800'000'000'000);
constexpr base::Instant kLater = base::FromUnixMs(1'800'000'100'000);

ShadowUpdate Update(const ShadowState* before, std::string_view payload, base::Instant now = kNow) {
    auto update = UpdateShadow(before, payload, now);
    EXPECT_TRUE(update) << update.error().message;
    return update ? *update : ShadowUpdate();
}

TEST(Shadow, AnswersAnUpdateWithWhatWasSentAndItsMetadata) {
    auto update = Update(nullptr, R"({"state":{"desired":{"color":"red"}},"clientToken":"t"})");
    EXPECT_EQ(update.accepted,
              R"({"state":{"desired":{"color":"red"}},"metadata":{"desired":{"color":{"timestamp":1800000000}}},)"
              R"("version":1,"timestamp":1800000000,"clientToken":"t"})");
}

TEST(Shadow, TellsTheDifferenceUntilItIsGone) {
    auto first = Update(nullptr, R"({"state":{"desired":{"a":1,"b":{"c":2,"d":3}},"reported":{"b":{"c":2}}}})");
    ASSERT_TRUE(first.delta);
    EXPECT_EQ(*first.delta, R"({"version":1,"timestamp":1800000000,"state":{"a":1,"b":{"d":3}},)"
                            R"("metadata":{"a":{"timestamp":1800000000},"b":{"d":{"timestamp":1800000000}}}})");
    auto second = Update(&first.after, R"({"state":{"reported":{"a":1,"b":{"d":3},"only":true}}})", kLater);
    EXPECT_FALSE(second.delta);
    EXPECT_EQ(second.after.version, 2);
}

TEST(Shadow, KeepsTheMetadataOfWhatWasNotTouched) {
    auto first = Update(nullptr, R"({"state":{"reported":{"a":1,"b":[1,2]}}})");
    auto second = Update(&first.after, R"({"state":{"reported":{"a":2}}})", kLater);
    EXPECT_EQ(*DescribeShadow(&second.after, "well", "", kLater),
              R"({"state":{"reported":{"a":2,"b":[1,2]}},"metadata":{"reported":{"a":{"timestamp":1800000100},)"
              R"("b":[{"timestamp":1800000000},{"timestamp":1800000000}]}},"version":2,"timestamp":1800000100})");
}

TEST(Shadow, RemovesByNull) {
    auto first = Update(nullptr, R"({"state":{"desired":{"a":1,"b":{"c":2}},"reported":{"a":1}}})");
    auto second = Update(&first.after, R"({"state":{"desired":{"a":null,"b":{"c":null}}}})");
    EXPECT_EQ(second.after.desired, (boost::json::object{{"b", boost::json::object()}}));
    auto third = Update(&second.after, R"({"state":{"desired":null}})");
    EXPECT_TRUE(third.after.desired.empty());
    EXPECT_FALSE(third.after.reported.empty());
    auto fresh = Update(nullptr, R"({"state":{"desired":{"x":{"y":null,"z":1}}}})");
    EXPECT_EQ(fresh.after.desired, (boost::json::object{{"x", boost::json::object{{"z", 1}}}}));
}

TEST(Shadow, TellsBothDocumentsOfAChange) {
    auto first = Update(nullptr, R"({"state":{"desired":{"a":1}}})");
    EXPECT_EQ(first.documents.find("previous"), std::string::npos);
    auto second = Update(&first.after, R"({"state":{"desired":{"a":2}},"clientToken":"x"})");
    EXPECT_NE(second.documents.find(R"("previous":{"state":{"desired":{"a":1}})"), std::string::npos);
    EXPECT_NE(second.documents.find(R"("current":{"state":{"desired":{"a":2}})"), std::string::npos);
    EXPECT_NE(second.documents.find(R"("clientToken":"x")"), std::string::npos);
}

TEST(Shadow, RefusesWhatIsNotAnUpdate) {
    auto refused = [](std::string_view payload, const ShadowState* before = nullptr) {
        auto update = UpdateShadow(before, payload, kNow);
        return update ? "" : std::to_string(update.error().code) + " " + update.error().message;
    };
    EXPECT_EQ(refused("nope"), "400 Invalid JSON");
    EXPECT_EQ(refused("{}"), "400 Missing required node: state");
    EXPECT_EQ(refused(R"({"state":{"delta":{}}})"), "400 State contains an invalid node: 'delta'");
    EXPECT_EQ(refused(R"({"state":{"desired":5}})"), "400 State node must be an object: desired");
    EXPECT_EQ(refused(R"({"state":{"desired":{"a":{"b":{"c":{"d":{"e":{"f":{"g":{"h":{"i":1}}}}}}}}}}})"),
              "400 JSON contains too many levels of nesting; maximum is 8");
    EXPECT_EQ(refused(R"({"state":{"desired":{"a":")" + std::string(9000, 'x') + R"("}}})"),
              "413 The payload exceeds the maximum size allowed");
    auto first = Update(nullptr, R"({"state":{"desired":{"a":1}}})");
    EXPECT_EQ(refused(R"({"state":{"desired":{"a":2}},"version":7})", &first.after), "409 Version conflict");
    EXPECT_EQ(RejectionDocument({409, "Version conflict", "token"}, kNow),
              R"({"code":409,"message":"Version conflict","timestamp":1800000000,"clientToken":"token"})");
}

TEST(Shadow, GoesOnCountingAfterADeletion) {
    auto first = Update(nullptr, R"({"state":{"desired":{"a":1}}})");
    auto deleted = DeleteShadow(&first.after, "well", "", kNow);
    ASSERT_TRUE(deleted);
    EXPECT_EQ(deleted->accepted, R"({"version":1,"timestamp":1800000000})");
    EXPECT_EQ(DescribeShadow(&deleted->after, "well", "", kNow).error().code, 404);
    EXPECT_EQ(Update(&deleted->after, R"({"state":{"desired":{"a":1}}})").after.version, 2);
}

TEST(Shadow, IsTheSameAfterWritingAndReading) {
    auto update = Update(nullptr, R"({"state":{"desired":{"a":1.5},"reported":{"b":[null,"x"]}}})");
    auto read = ShadowState::Read(update.after.Write());
    ASSERT_TRUE(read);
    EXPECT_EQ(read->Write(), update.after.Write());
}

TEST(Shadow, EndsOnRandomRequests) {
    std::mt19937 random(5);
    std::string seed = R"({"state":{"desired":{"a":{"b":[1,{"c":null}]}},"reported":null},"version":1,"clientToken":"t"})";
    for (int round = 0; round < 5000; ++round) {
        std::string payload = seed;
        for (int i = static_cast<int>(random() % 3); i >= 0; --i) {
            payload[random() % payload.size()] = static_cast<char>(random() % 256);
        }
        (void)UpdateShadow(nullptr, payload, kNow);
    }
}

}  // namespace
}  // namespace wellhead::services::iot
