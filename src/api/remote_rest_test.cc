// Remote clients against the services of the same model, without a network between them.

#include "api/remote_rest.h"

#include <gtest/gtest.h>

#include "api/bound_service.h"
#include "api/event_ops.h"
#include "api/reading_test_shape.h"
#include "env/run_task.h"

namespace wellhead::api {
namespace {

struct PutIn {
    std::string Well{};
    std::string Path{};
    std::optional<int32_t> Max{};
    std::optional<std::string> Note{};
    std::optional<double> Pressure{};
};
struct PutOut {
    std::optional<std::string> Echo{};
    std::optional<std::string> Tag{};
    std::optional<double> Pressure{};
};

constexpr Member kInMembers[] = {
    {.name = "Well", .wire = "Well", .shape = &shapes::kString, .offset = offsetof(PutIn, Well), .place = Place::kUri,
     .required = true},
    {.name = "Path", .wire = "Path", .shape = &shapes::kString, .offset = offsetof(PutIn, Path), .place = Place::kUri,
     .required = true},
    {.name = "Max", .wire = "max", .shape = &shapes::kInteger, .offset = offsetof(PutIn, Max),
     .hold = &kOptional<int32_t>, .place = Place::kQuery},
    {.name = "Note", .wire = "x-note", .shape = &shapes::kString, .offset = offsetof(PutIn, Note),
     .hold = &kOptional<std::string>, .place = Place::kHeader},
    {.name = "Pressure", .wire = "pressure", .shape = &shapes::kDouble, .offset = offsetof(PutIn, Pressure),
     .hold = &kOptional<double>},
};
constexpr Structure kIn{.name = "PutIn", .members = kInMembers, .has_body = true, .create = CreateValue<PutIn>,
                        .destroy = DestroyValue<PutIn>};
constexpr Member kOutMembers[] = {
    {.name = "Echo", .wire = "Echo", .shape = &shapes::kString, .offset = offsetof(PutOut, Echo),
     .hold = &kOptional<std::string>},
    {.name = "Tag", .wire = "x-tag", .shape = &shapes::kString, .offset = offsetof(PutOut, Tag),
     .hold = &kOptional<std::string>, .place = Place::kHeader},
    {.name = "Pressure", .wire = "pressure", .shape = &shapes::kDouble, .offset = offsetof(PutOut, Pressure),
     .hold = &kOptional<double>},
};
constexpr Structure kOut{.name = "PutOut", .members = kOutMembers, .has_body = true, .xml_name = "PutOut",
                         .create = CreateValue<PutOut>, .destroy = DestroyValue<PutOut>};
constexpr Operation kOperations[] = {{.name = "Put", .method = "POST", .uri = "/wells/{Well}/{Path+}?put",
                                      .input = &kIn, .output = &kOut, .input_xml_name = "PutIn"}};

struct PutCall {
    static env::Task<Outcome<void>> Call(void*, const CallContext&, void* input, void* output) {
        auto& in = *static_cast<PutIn*>(input);
        if (in.Well == "bad") {
            ServiceError error;
            error.code = "NoSuchWell";
            error.message = "no <such> well";
            error.http_status = 404;
            co_return std::unexpected(std::move(error));
        }
        auto& out = *static_cast<PutOut*>(output);
        out.Echo = in.Well + "|" + in.Path + "|" + std::to_string(in.Max.value_or(-1)) + "|" + in.Note.value_or("-");
        out.Tag = "t";
        out.Pressure = in.Pressure;
        co_return Outcome<void>();
    }
};

// Straight to the service.
class Direct final : public Transport {
  public:
    explicit Direct(Service& service) : service_(service) {}
    env::Task<base::Result<WireResponse>> Send(std::string_view signing_name, WireRequest request) override {
        EXPECT_EQ(signing_name, "wells");
        last_path = request.path;
        co_return co_await service_.Call(CallContext(), std::move(request));
    }
    std::string last_path;

  private:
    Service& service_;
};

env::Task<Outcome<void>> Put(Invoker& invoker, PutIn& in, PutOut& out) {
    co_return co_await invoker.Invoke(kOperations[0], CallContext(), &in, &out);
}

void Check(const Model& model) {
    auto service = Bind(model, {PutCall::Call}, nullptr);
    Direct transport(*service);
    auto invoker = MakeRemoteInvoker(model, transport, "eu-west-1");
    PutIn in{"a/b c", "x/y?z", 7, "n", 1.5};
    PutOut out;
    auto put = env::RunTask(Put(*invoker, in, out));
    ASSERT_TRUE(put.has_value()) << put.error().code << " " << put.error().message;
    EXPECT_EQ(transport.last_path, "/wells/a%2Fb%20c/x/y%3Fz");
    EXPECT_EQ(out.Echo, "a/b c|x/y?z|7|n");
    EXPECT_EQ(out.Tag, "t");
    EXPECT_EQ(out.Pressure, 1.5);

    PutIn bad{"bad", "x", {}, {}, 1.0};
    auto refused = env::RunTask(Put(*invoker, bad, out));
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, "NoSuchWell");
    EXPECT_EQ(refused.error().message, "no <such> well");
    EXPECT_EQ(refused.error().http_status, 404);

    PutIn empty{"", "x", {}, {}, {}};
    EXPECT_EQ(env::RunTask(Put(*invoker, empty, out)).error().code, "ValidationException");
}

TEST(RemoteRest, ARestJsonClientReachesItsService) {
    constexpr Model kModel{.name = "wells", .protocol = Protocol::kRestJson, .signing_name = "wells",
                           .validation_error = "ValidationException", .operations = kOperations};
    Check(kModel);
}

TEST(RemoteRest, ARestXmlClientReachesItsService) {
    constexpr Model kModel{.name = "wells", .protocol = Protocol::kRestXml, .signing_name = "wells",
                           .validation_error = "ValidationException", .operations = kOperations};
    Check(kModel);
}

// --- event streams, of awsJson

struct Tick {
    std::string Text{};
};
using TickEvents = std::variant<Tick>;
struct WatchIn {};
struct WatchOut {
    EventStream<TickEvents> Events{};
};

constexpr Member kTickMembers[] = {
    {.name = "Text", .wire = "Text", .shape = &shapes::kString, .offset = offsetof(Tick, Text), .required = true}};
constexpr Structure kTick{.name = "Tick", .members = kTickMembers, .has_body = true, .create = CreateValue<Tick>,
                          .destroy = DestroyValue<Tick>};
constexpr EventType kTickTypes[] = {{.name = "Tick", .structure = &kTick}};
constexpr EventStreamType kTickStream{.events = kTickTypes, .ops = &kEventOps<TickEvents>};
constexpr Shape kTicks{.kind = Kind::kEventStream, .events = &kTickStream};
constexpr Structure kWatchIn{.name = "WatchIn", .create = CreateValue<WatchIn>, .destroy = DestroyValue<WatchIn>};
constexpr Member kWatchMembers[] = {{.name = "Events", .wire = "Events", .shape = &kTicks,
                                     .offset = offsetof(WatchOut, Events),
                                     .hold = &kStreamHold<EventStream<TickEvents>>}};
constexpr Structure kWatchOut{.name = "WatchOut", .members = kWatchMembers, .has_body = true,
                              .create = CreateValue<WatchOut>, .destroy = DestroyValue<WatchOut>};
constexpr Operation kWatch[] = {{.name = "Watch", .method = "POST", .uri = "/", .input = &kWatchIn, .output = &kWatchOut}};

class Ticks final : public EventSource<TickEvents> {
  public:
    env::Task<Outcome<std::optional<TickEvents>>> Next() override {
        if (++count_ <= 2) co_return std::optional<TickEvents>(Tick{"tick " + std::to_string(count_)});
        ServiceError error;
        error.code = "Over";
        error.message = "no more";
        co_return std::unexpected(std::move(error));
    }

  private:
    int count_ = 0;
};

env::Task<Outcome<void>> StartWatch(void*, const CallContext&, void*, void* output) {
    static_cast<WatchOut*>(output)->Events = std::make_unique<Ticks>();
    co_return Outcome<void>();
}

env::Task<std::vector<std::string>> Watch(Invoker& invoker) {
    std::vector<std::string> seen;
    WatchIn in;
    WatchOut out;
    auto started = co_await invoker.Invoke(kWatch[0], CallContext(), &in, &out);
    if (!started) co_return std::vector<std::string>{started.error().message};
    for (;;) {
        auto event = co_await out.Events->Next();
        if (!event) {
            seen.push_back(event.error().code + ": " + event.error().message);
            co_return seen;
        }
        if (!*event) co_return seen;
        seen.push_back(std::get<Tick>(**event).Text);
    }
}

TEST(RemoteEvents, EventsAndTheErrorThatEndsThemComeThrough) {
    constexpr Model kModel{.name = "wells", .protocol = Protocol::kJson, .signing_name = "wells",
                           .target_prefix = "Wells_1", .json_version = "1.1",
                           .validation_error = "ValidationException", .operations = kWatch};
    auto service = Bind(kModel, {StartWatch}, nullptr);
    Direct transport(*service);
    auto invoker = MakeRemoteInvoker(kModel, transport, "eu-west-1");
    EXPECT_EQ(env::RunTask(Watch(*invoker)), (std::vector<std::string>{"tick 1", "tick 2", "Over: no more"}));
}

}  // namespace
}  // namespace wellhead::api
