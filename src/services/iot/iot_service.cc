#include "services/iot/iot_service.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "services/iot/iot_control.h"
#include "services/iot/iot_data.h"
#include "services/iot/iot_sink.h"
#include "services/iot/lifecycle_events.h"
#include "services/iot/registry.h"
#include "services/iot/rules_engine.h"
#include "services/iot/shadow_service.h"
#include "services/iot/time_zones.h"

namespace wellhead::services::iot {

namespace {

namespace json = boost::json;

constexpr const char* kAuthorityKey = "current";

class RuleSurroundings final : public sql::iot::Surroundings {
  public:
    RuleSurroundings(env::Random& random, ShadowService& shadows, env::Files& files, const IotSettings& settings)
        : random_(random), shadows_(shadows), zones_(files, settings.zone_directory), account_id_(settings.account_id) {}

    std::string NewUuid() override { return env::RandomUuid(random_); }
    double RandomFraction() override { return static_cast<double>(env::RandomUint64(random_) >> 11) * 0x1.0p-53; }
    std::string_view account_id() const override { return account_id_; }
    std::optional<std::string> ThingShadow(std::string_view thing, std::string_view name) override {
        auto document = shadows_.Get(thing, name, "");
        if (!document) return std::nullopt;
        return std::move(*document);
    }
    std::optional<int> ZoneOffset(std::string_view zone, base::Instant at) override {
        return zones_.OffsetAt(zone, at);
    }

  private:
    env::Random& random_;
    ShadowService& shadows_;
    TimeZones zones_;
    std::string account_id_;
};

api::CallContext InternalContext(const IotSettings& settings) {
    api::CallContext context;
    context.request_id = "iot-rule";
    context.account_id = settings.account_id;
    context.region = settings.region;
    context.caller.account_id = settings.account_id;
    context.caller.arn = "arn:aws:iam::" + settings.account_id + ":root";
    context.caller.authenticated = true;
    context.caller.root = true;
    context.host = settings.endpoint;
    return context;
}

struct KeptAuthority {
    CertificateAuthority authority;
    std::string registration_code;
};

base::Result<KeptAuthority> ReadAuthority(const base::Bytes& value) {
    boost::system::error_code error;
    json::value parsed = json::parse(value, error);
    const auto* object = parsed.if_object();
    auto text = [&](std::string_view name) {
        const auto* member = object != nullptr ? object->if_contains(name) : nullptr;
        return member != nullptr && member->is_string() ? std::string(member->as_string()) : std::string();
    };
    ASSIGN_OR_RETURN(CertificateAuthority authority, CertificateAuthority::Load(text("certificate"), text("key")));
    return KeptAuthority{std::move(authority), text("registration_code")};
}

// The one that is kept; at the first start a new one, kept before it is used.
env::Task<base::Result<KeptAuthority>> LoadAuthority(storage::Table& table, env::Clock& clock, env::Random& random) {
    CO_ASSIGN_OR_RETURN(auto value, co_await table.Get(kKeptCollection, kAuthorityKey));
    if (value) co_return ReadAuthority(*value);
    CO_ASSIGN_OR_RETURN(CertificateAuthority made, CertificateAuthority::Make(random, clock.Now()));
    json::object record{{"certificate", made.certificate_pem()},
                        {"key", made.key_pem()},
                        {"registration_code", env::RandomHex(random, 32)}};
    base::Bytes text = json::serialize(record);
    storage::TableBatch batch;
    batch.RequireAbsent(kKeptCollection, kAuthorityKey).Put(kKeptCollection, kAuthorityKey, text);
    CO_RETURN_IF_ERROR(co_await table.Commit(std::move(batch)));
    co_return ReadAuthority(text);
}

}  // namespace

struct IotService::Parts {
    Parts(storage::Table& table, env::Clock& given_clock, env::Random& given_random, env::Files& files,
          env::BlockingPool& pool, const IotSettings& settings, IotPeers peers, KeptAuthority kept)
        : clock(given_clock),
          random(given_random),
          authority(std::move(kept.authority)),
          registry(table),
          shadows(table, clock),
          surroundings(random, shadows, files, settings),
          targets(peers, InternalContext(settings)),
          rules(targets, surroundings),
          sink(rules, shadows),
          events(random),
          control(registry, rules, authority, clock, random, pool,
                  ControlSettings{settings.region, settings.account_id, settings.endpoint, kept.registration_code}),
          data(shadows, clock),
          registration(registry, clock, settings.account_id),
          authorizer(MakeAuthorizer(registry, clock, registration,
                                    AuthorizerSettings{settings.region, settings.account_id, settings.trust_plain,
                                                       settings.require_server_name})) {}

    env::Clock& clock;
    env::Random& random;
    CertificateAuthority authority;
    Registry registry;
    ShadowService shadows;
    RuleSurroundings surroundings;
    ApiTargets targets;
    RulesEngine rules;
    IotSink sink;
    LifecycleEvents events;
    IotControl control;
    IotData data;
    AutoRegistration registration;
    std::unique_ptr<mqtt::Authorizer> authorizer;
};

IotService::IotService(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
IotService::~IotService() = default;

env::Task<base::Result<std::unique_ptr<IotService>>> IotService::Start(storage::Table& table, env::Clock& clock,
                                                                       env::Random& random, env::Files& files,
                                                                       env::BlockingPool& pool, IotSettings settings,
                                                                       IotPeers peers) {
    CO_ASSIGN_OR_RETURN(KeptAuthority authority, co_await LoadAuthority(table, clock, random));
    auto parts = std::make_unique<Parts>(table, clock, random, files, pool, settings, peers, std::move(authority));
    CO_RETURN_IF_ERROR(co_await parts->registry.Load());
    CO_RETURN_IF_ERROR(co_await parts->shadows.Load());
    CO_RETURN_IF_ERROR(parts->control.RefreshRules());
    co_return std::unique_ptr<IotService>(new IotService(std::move(parts)));
}

apis::iot::IotApi& IotService::control() { return parts_->control; }
apis::iot_data::IotDataApi& IotService::data() { return parts_->data; }
mqtt::Authorizer& IotService::authorizer() { return *parts_->authorizer; }
mqtt::PublishSink& IotService::sink() { return parts_->sink; }
mqtt::ClientEvents& IotService::client_events() { return parts_->events; }

void IotService::SetBroker(mqtt::BrokerControl* broker) {
    parts_->targets.SetBroker(broker);
    parts_->shadows.SetBroker(broker);
    parts_->control.SetBroker(broker);
    parts_->data.SetBroker(broker);
    parts_->registration.SetBroker(broker);
}

const std::string& IotService::ca_certificate_pem() const { return parts_->authority.certificate_pem(); }

base::Result<IssuedCertificate> IotService::IssueServerCertificate(const std::vector<std::string>& names,
                                                                   base::Duration lifetime) {
    return parts_->authority.IssueServerCertificate(names, lifetime, parts_->random, parts_->clock.Now());
}

}  // namespace wellhead::services::iot
