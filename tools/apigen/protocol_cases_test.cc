// The protocols, on synthetic services: testdata/<service>.json describes one per protocol, testdata/cases/<service>.json
// says what a request means and what an answer looks like. Each case is served, and sent by the remote client and served.

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <fstream>
#include <sstream>

#include "api/call.h"
#include "api/json_shape.h"
#include "apis/shop_json/operations.h"
#include "apis/shop_json/service.h"
#include "apis/shop_query/operations.h"
#include "apis/shop_query/service.h"
#include "apis/shop_rest_json/operations.h"
#include "apis/shop_rest_json/service.h"
#include "apis/shop_rest_xml/operations.h"
#include "apis/shop_rest_xml/service.h"
#include "codec/xml.h"
#include "env/run_task.h"

namespace wellhead::api {
namespace {

namespace json = boost::json;

// What the implementation is told, and what it answers.
struct Played {
    std::string operation;
    json::value input;
    json::object output;
    std::optional<ServiceError> error;
};

class PlayingInvoker final : public Invoker {
  public:
    explicit PlayingInvoker(Played& played) : played_(played) {}
    env::Task<Outcome<void>> Invoke(const Operation& operation, const CallContext&, void* input,
                                    void* output) override {
        std::string text;
        WriteJsonByName(*operation.input, input, text);
        played_.operation = operation.name;
        played_.input = json::parse(text);
        if (played_.error) co_return std::unexpected(*played_.error);
        std::vector<std::string> missing;
        auto read = ReadJsonByName(played_.output, *operation.output, output, missing);
        EXPECT_TRUE(read) << read.error().message;
        co_return Outcome<void>();
    }

  private:
    Played& played_;
};

template <class Api>
class PlayingApi final : public Api {
  public:
    explicit PlayingApi(Invoker* invoker) : Api(invoker) {}
};

// A service of every protocol by the name of its description.
struct Shop {
    explicit Shop(const std::string& name) {
        if (name == "shop_json") Make(apis::shop_json::kModel, json_api, apis::shop_json::MakeService);
        if (name == "shop_query") Make(apis::shop_query::kModel, query_api, apis::shop_query::MakeService);
        if (name == "shop_rest_json") Make(apis::shop_rest_json::kModel, rest_json_api, apis::shop_rest_json::MakeService);
        if (name == "shop_rest_xml") Make(apis::shop_rest_xml::kModel, rest_xml_api, apis::shop_rest_xml::MakeService);
    }
    template <class Api, class MakeFunction>
    void Make(const Model& its_model, Api& api, MakeFunction make) {
        model = &its_model;
        service = make(api);
    }
    const Operation& Find(std::string_view name) const {
        for (const Operation& operation : model->operations) {
            if (operation.name == name) return operation;
        }
        ADD_FAILURE() << "no operation " << name;
        return model->operations.front();
    }

    Played played;
    PlayingInvoker invoker{played};
    PlayingApi<apis::shop_json::ShopJsonApi> json_api{&invoker};
    PlayingApi<apis::shop_query::ShopQueryApi> query_api{&invoker};
    PlayingApi<apis::shop_rest_json::ShopRestJsonApi> rest_json_api{&invoker};
    PlayingApi<apis::shop_rest_xml::ShopRestXmlApi> rest_xml_api{&invoker};
    const Model* model = nullptr;
    std::unique_ptr<Service> service;
};

// The remote client's requests go to the service next door.
class NextDoor final : public Transport {
  public:
    explicit NextDoor(Service& service) : service_(service) {}
    env::Task<base::Result<WireResponse>> Send(std::string_view, WireRequest request) override {
        if (!request.body) request.body = MakeByteStream("");
        CallContext context;
        co_return co_await service_.Call(std::move(context), std::move(request));
    }

  private:
    Service& service_;
};

json::value ReadFile(const std::string& path) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    boost::system::error_code error;
    json::value value = json::parse(text.str(), error);
    EXPECT_FALSE(error) << path;
    return value;
}

std::string TextOf(const json::object& object, std::string_view name, std::string otherwise = "") {
    const json::value* value = object.if_contains(name);
    return value == nullptr ? otherwise : std::string(value->as_string());
}

// Equal as values: 2 and 2.0 are.
bool Same(const json::value& a, const json::value& b) {
    if (a.is_number() && b.is_number()) return a.to_number<double>() == b.to_number<double>();
    if (a.is_array() && b.is_array()) {
        return std::equal(a.get_array().begin(), a.get_array().end(), b.get_array().begin(), b.get_array().end(), Same);
    }
    if (a.is_object() && b.is_object()) {
        if (a.get_object().size() != b.get_object().size()) return false;
        for (const auto& [key, value] : a.get_object()) {
            const json::value* other = b.get_object().if_contains(key);
            if (other == nullptr || !Same(value, *other)) return false;
        }
        return true;
    }
    return a == b;
}

std::string Flat(const codec::XmlElement& element) {
    std::string text = "<" + element.name;
    for (const auto& [name, value] : element.attributes) text += " " + name + "='" + value + "'";
    text += ">" + (element.children.empty() ? element.text : std::string());
    for (const auto& child : element.children) text += Flat(child);
    return text + "</>";
}

WireRequest RequestOf(const json::object& described) {
    WireRequest request;
    request.method = TextOf(described, "method", "POST");
    request.path = TextOf(described, "path", "/");
    request.query = TextOf(described, "query");
    if (const json::value* headers = described.if_contains("headers")) {
        for (const auto& [name, value] : headers->as_object()) {
            request.headers.emplace_back(name, value.as_string());
        }
    }
    request.body = MakeByteStream(TextOf(described, "body"));
    return request;
}

std::string BodyOfResponse(WireResponse& response) {
    if (auto* bytes = std::get_if<base::Bytes>(&response.body)) return *bytes;
    return env::RunTask(ReadAll(*std::get<StreamBody>(response.body), 1 << 20)).value();
}

std::string_view HeaderOf(const WireResponse& response, std::string_view name) {
    for (const auto& [field, value] : response.headers) {
        if (field == name) return value;
    }
    return "";
}

void ExpectResponse(const Shop& shop, WireResponse& response, const json::object& expected) {
    std::string body = BodyOfResponse(response);
    EXPECT_EQ(response.status, expected.at("status").to_number<int>()) << body;
    if (const json::value* headers = expected.if_contains("headers")) {
        for (const auto& [name, value] : headers->as_object()) {
            EXPECT_EQ(HeaderOf(response, name), std::string_view(value.as_string())) << name;
        }
    }
    if (expected.contains("contains")) {
        EXPECT_NE(body.find(TextOf(expected, "contains")), std::string::npos) << body;
    }
    if (expected.contains("text")) {
        EXPECT_EQ(body, TextOf(expected, "text"));
    }
    if (!expected.contains("body")) return;
    std::string wanted = TextOf(expected, "body");
    bool is_json = shop.model->protocol == Protocol::kJson || shop.model->protocol == Protocol::kRestJson;
    if (is_json) {
        EXPECT_TRUE(Same(json::parse(body), json::parse(wanted))) << body;
    } else {
        EXPECT_EQ(Flat(codec::ParseXml(body).value()), Flat(codec::ParseXml(wanted).value())) << body;
    }
}

void Prepare(Shop& shop, const json::object& one) {
    shop.played = {};
    if (const json::value* output = one.if_contains("output")) shop.played.output = output->as_object();
    const json::value* error = one.if_contains("error");
    if (error == nullptr) return;
    const json::object& described = error->as_object();
    ServiceError made{TextOf(described, "code"), TextOf(described, "message"),
                      described.at("status").to_number<int>(), {}};
    if (const json::value* members = described.if_contains("members")) made.members = members->as_object();
    shop.played.error = std::move(made);
}

void Serve(Shop& shop, const json::object& one) {
    Prepare(shop, one);
    CallContext context;
    context.request_id = "request-1";
    WireResponse response =
        env::RunTask(shop.service->Call(std::move(context), RequestOf(one.at("request").as_object())));
    ExpectResponse(shop, response, one.at("response").as_object());
    if (one.contains("refused")) {
        EXPECT_EQ(shop.played.operation, "") << "it reached the implementation";
        EXPECT_NE(BodyOfResponse(response).find(TextOf(one, "refused")), std::string::npos);
        return;
    }
    EXPECT_EQ(shop.played.operation, TextOf(one, "operation"));
    EXPECT_TRUE(Same(shop.played.input, one.at("input"))) << json::serialize(shop.played.input);
}

void SendAndServe(Shop& shop, const json::object& one) {
    Prepare(shop, one);
    NextDoor next_door(*shop.service);
    auto remote = MakeRemoteInvoker(*shop.model, next_door, "us-east-1");
    const Operation& operation = shop.Find(TextOf(one, "operation"));
    Value input(*operation.input);
    Value output(*operation.output);
    std::vector<std::string> missing;
    ASSERT_TRUE(ReadJsonByName(one.at("input").as_object(), *operation.input, input.get(), missing));
    CallContext context;
    auto called = env::RunTask(remote->Invoke(operation, context, input.get(), output.get()));
    EXPECT_TRUE(Same(shop.played.input, one.at("input"))) << "sent: " << json::serialize(shop.played.input);
    if (shop.played.error) {
        ASSERT_FALSE(called);
        EXPECT_EQ(called.error().code, shop.played.error->code);
        EXPECT_EQ(called.error().message, shop.played.error->message);
        EXPECT_EQ(called.error().http_status, shop.played.error->http_status);
        return;
    }
    ASSERT_TRUE(called) << called.error().message;
    std::string text;
    WriteJsonByName(*operation.output, output.get(), text);
    EXPECT_TRUE(Same(json::parse(text), one.at("output"))) << "came back: " << text;
}

class ProtocolCases : public testing::TestWithParam<const char*> {};

TEST_P(ProtocolCases, AreServedAndSent) {
    std::string name = GetParam();
    json::value cases = ReadFile(std::string(WELLHEAD_CASES) + "/" + name + ".json");
    ASSERT_TRUE(cases.is_array());
    Shop shop(name);
    for (const auto& item : cases.as_array()) {
        const json::object& one = item.as_object();
        SCOPED_TRACE(TextOf(one, "name"));
        Serve(shop, one);
        bool sent = !one.contains("refused") && !(one.contains("client") && !one.at("client").as_bool());
        if (sent) SendAndServe(shop, one);
    }
}

INSTANTIATE_TEST_SUITE_P(Shops, ProtocolCases,
                         testing::Values("shop_json", "shop_query", "shop_rest_json", "shop_rest_xml"),
                         [](const auto& param) { return std::string(param.param); });

}  // namespace
}  // namespace wellhead::api
