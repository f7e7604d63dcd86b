#include "api/json_shape.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <random>

#include "api/bound_service.h"
#include "api/reading_test_shape.h"
#include "api/timestamps.h"
#include "api/validation.h"
#include "env/run_task.h"

namespace wellhead::api {
namespace {

std::string RoundTrip(std::string_view text) {
    Reading reading;
    std::vector<std::string> missing;
    auto json = boost::json::parse(text);
    auto read = ReadJsonMembers(json.as_object(), kReading, &reading, "", missing);
    if (!read) return read.error().message;
    auto breaches = Validate(kReading, &reading, true, missing);
    if (!breaches.empty()) return ValidationMessage(breaches);
    std::string out;
    WriteJsonMembers(kReading, &reading, out);
    return out;
}

TEST(JsonShape, WritesWhatItRead) {
    EXPECT_EQ(RoundTrip(R"({"Well":"w-1","Pressure":1.5,"Raw":"AP8=","At":1764000000.25,"Tags":["a","b"],"Counts":{"x":7},"Other":1})"),
              R"({"Well":"w-1","Pressure":1.5,"Raw":"AP8=","At":1764000000.25,"Tags":["a","b"],"Counts":{"x":7}})");
    EXPECT_EQ(RoundTrip(R"({"Well":"a\"\u0001","Pressure":null})"), R"({"Well":"a\"\u0001"})");
}

TEST(JsonShape, NamesWhatIsOfTheWrongKind) {
    EXPECT_EQ(RoundTrip(R"({"Well":1})"), "Well is not a string");
    EXPECT_EQ(RoundTrip(R"({"Well":"w","Tags":["a",2]})"), "Tags.2.member is not a string");
    EXPECT_EQ(RoundTrip(R"({"Well":"w","Raw":"?"})"), "Raw is not base64");
}

TEST(Validation, SpeaksAsAwsDoes) {
    EXPECT_EQ(RoundTrip("{}"),
              "1 validation error detected: Value null at 'well' failed to satisfy constraint: Member must not be null");
    EXPECT_EQ(RoundTrip(R"({"Well":"","Tags":["far too long"]})"),
              "2 validation errors detected: Value '' at 'well' failed to satisfy constraint: Member must have length "
              "greater than or equal to 1; Value 'far too long' at 'tags.1.member' failed to satisfy constraint: Member "
              "must have length less than or equal to 8");
}

TEST(Timestamps, AreReadInEveryForm) {
    auto time = base::FromUnixMs(1764000000250);
    EXPECT_EQ(FormatIso8601(time), "2025-11-24T16:00:00.250Z");
    EXPECT_EQ(FormatHttpDate(time), "Mon, 24 Nov 2025 16:00:00 GMT");
    EXPECT_EQ(ParseTimestamp("2025-11-24T16:00:00.250Z"), time);
    EXPECT_EQ(ParseTimestamp("2025-11-24T18:00:00+02:00"), base::FromUnixMs(1764000000000));
    EXPECT_EQ(ParseTimestamp("Mon, 24 Nov 2025 16:00:00 GMT"), base::FromUnixMs(1764000000000));
    EXPECT_EQ(ParseTimestamp("1764000000.25"), time);
    EXPECT_FALSE(ParseTimestamp("yesterday"));
}

// One operation, as the generator makes them.
struct Echo {
    static env::Task<Outcome<void>> Call(void*, const CallContext&, void* input, void* output) {
        auto& in = *static_cast<Reading*>(input);
        if (in.Well == "bad") {
            ServiceError error;
            error.code = "BadWellException";
            error.message = "no such well";
            co_return std::unexpected(std::move(error));
        }
        *static_cast<Reading*>(output) = std::move(in);
        co_return Outcome<void>();
    }
};
constexpr Operation kOperations[] = {
    {.name = "PutReading", .method = "POST", .uri = "/", .input = &kReading, .output = &kReading}};
constexpr Model kModel{.name = "readings", .protocol = Protocol::kJson, .signing_name = "readings",
                       .target_prefix = "Readings_2026", .json_version = "1.1",
                       .validation_error = "ValidationException", .operations = kOperations};

std::string Call(std::string target, std::string body, std::string type = "application/x-amz-json-1.1") {
    auto service = Bind(kModel, {Echo::Call}, nullptr);
    WireRequest request;
    request.method = "POST";
    request.path = "/";
    request.headers = {{"x-amz-target", std::move(target)}, {"content-type", type}};
    request.body = MakeByteStream(std::move(body));
    auto response = env::RunTask(service->Call(CallContext(), std::move(request)));
    EXPECT_EQ(FindHeader(response.headers, "content-type"), type);
    return std::to_string(response.status) + " " + std::get<base::Bytes>(response.body);
}

TEST(JsonService, CallsTheOperationOfTheTarget) {
    EXPECT_EQ(Call("Readings_2026.PutReading", R"({"Well":"w"})"), R"(200 {"Well":"w"})");
    EXPECT_EQ(Call("Readings_2026.PutReading", R"({"Well":"bad"})"),
              R"(400 {"__type":"BadWellException","message":"no such well"})");
    EXPECT_EQ(Call("Readings_2026.Delete", "{}"),
              R"(400 {"__type":"UnknownOperationException","message":"Operation Delete is not served."})");
    EXPECT_TRUE(Call("Readings_2026.PutReading", "{").starts_with("400 {\"__type\":\"SerializationException\""));
    EXPECT_TRUE(Call("Readings_2026.PutReading", "{}").starts_with("400 {\"__type\":\"ValidationException\""));
}

TEST(JsonService, AnswersCborInCbor) {
    constexpr const char* kCbor = "application/x-amz-cbor-1.1";
    std::string ok = "\xa1\x64Well\x61w";
    EXPECT_EQ(Call("Readings_2026.PutReading", ok, kCbor), "200 " + ok);
    std::string bad = Call("Readings_2026.PutReading", "\xa1\x64Well\x63" "bad", kCbor);
    EXPECT_NE(bad.find("BadWellException"), std::string::npos);
    EXPECT_EQ(bad.substr(0, 5), "400 \xa2");
    EXPECT_NE(Call("Readings_2026.PutReading", "\xff", kCbor).find("SerializationException"), std::string::npos);
}

TEST(JsonService, AnswersByNameToo) {
    auto service = Bind(kModel, {Echo::Call}, nullptr);
    auto answer = env::RunTask(service->Invoke(CallContext(), "PutReading", boost::json::object{{"Well", "w"}}));
    ASSERT_TRUE(answer);
    EXPECT_EQ(*answer, (boost::json::value{{"Well", "w"}}));
}

TEST(JsonService, EndsOnRandomBodies) {
    std::mt19937 random(9);
    std::string seed = R"({"Well":"w","Pressure":1e3,"Raw":"AP8=","Tags":["a"],"Counts":{"x":7}})";
    for (int round = 0; round < 3000; ++round) {
        std::string body = seed;
        body[random() % body.size()] = static_cast<char>(random());
        (void)Call("Readings_2026.PutReading", body);
    }
}

}  // namespace
}  // namespace wellhead::api
