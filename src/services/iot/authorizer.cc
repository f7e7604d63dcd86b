#include "services/iot/authorizer.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <mutex>

#include "services/iot/certificate.h"
#include "services/iot/lifecycle_events.h"
#include "services/iot/permissions.h"

namespace wellhead::services::iot {

namespace {

std::string Lower(std::string_view text) {
    std::string lower(text);
    for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return lower;
}

// Everything a policy may ask of one connection. Keys are lower-case but for attribute names.
class ConnectionContext final : public PolicyContext {
  public:
    void Set(std::string key, std::string value) { values_[std::move(key)] = std::move(value); }
    void SetIfGiven(std::string key, const std::string& value) {
        if (!value.empty()) values_[std::move(key)] = value;
    }
    void SetThing(std::shared_ptr<const Thing> thing) { thing_ = std::move(thing); }

    std::optional<std::string> Get(std::string_view key) const override {
        constexpr std::string_view kAttributes = "iot:connection.thing.attributes[";
        std::string lower = Lower(key);
        if (lower.starts_with(kAttributes)) {
            if (!thing_) return std::nullopt;
            std::string name(key.substr(kAttributes.size(), key.size() - kAttributes.size() - 1));
            auto attribute = thing_->attributes.find(name);
            if (attribute == thing_->attributes.end()) return std::nullopt;
            return attribute->second;
        }
        auto found = values_.find(lower);
        if (found == values_.end()) return std::nullopt;
        return found->second;
    }

  private:
    std::map<std::string, std::string> values_;
    std::shared_ptr<const Thing> thing_;
};

void SetCertificate(const CertificateFacts& facts, ConnectionContext& context) {
    context.SetIfGiven("iot:certificate.serialnumber", facts.serial);
    context.SetIfGiven("iot:certificate.subject.commonname", facts.subject_common_name);
    context.SetIfGiven("iot:certificate.subject.organization", facts.subject_organization);
    context.SetIfGiven("iot:certificate.subject.organizationalunit", facts.subject_unit);
    context.SetIfGiven("iot:certificate.subject.country", facts.subject_country);
    context.SetIfGiven("iot:certificate.subject.state", facts.subject_state);
    context.SetIfGiven("iot:certificate.subject.distinguishednamequalifier", facts.subject_qualifier);
    context.SetIfGiven("iot:certificate.subject.serialnumber", facts.subject_serial);
    context.SetIfGiven("iot:certificate.issuer.commonname", facts.issuer_common_name);
    context.SetIfGiven("iot:certificate.issuer.organization", facts.issuer_organization);
    context.SetIfGiven("iot:certificate.issuer.organizationalunit", facts.issuer_unit);
    context.SetIfGiven("iot:certificate.issuer.country", facts.issuer_country);
    context.SetIfGiven("iot:certificate.issuer.state", facts.issuer_state);
}

// thing: the one that the certificate is attached to and the client stands for; null for none.
void SetClient(const std::string& client_id, std::shared_ptr<const Thing> thing, base::Instant now,
               ConnectionContext& context) {
    context.Set("iot:clientid", client_id);
    context.Set("aws:securetransport", "true");
    context.Set("aws:principaltype", "Certificate");
    int64_t now_s = base::ToUnixMs(now) / 1000;
    context.Set("aws:epochtime", std::to_string(now_s));
    context.Set("aws:currenttime", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(static_cast<time_t>(now_s))));
    context.Set("iot:connection.thing.isattached", thing ? "true" : "false");
    if (!thing) return;
    context.Set("iot:connection.thing.thingname", thing->name);
    context.SetIfGiven("iot:connection.thing.thingtypename", thing->type_name);
    context.SetThing(std::move(thing));
}

class EverythingAllowed final : public mqtt::Permissions {
  public:
    explicit EverythingAllowed(std::string principal) : principal_(std::move(principal)) {}
    bool MayPublish(std::string_view topic, bool) const override { return !IsEventTopic(topic); }
    bool MaySubscribe(std::string_view) const override { return true; }
    bool MayReceive(std::string_view) const override { return true; }
    std::string_view principal() const override { return principal_; }

  private:
    std::string principal_;
};

// The permissions of a connection by certificate. What was derived is kept until what it came from changes.
class CertificatePermissions final : public mqtt::Permissions {
  public:
    CertificatePermissions(Registry& registry, env::Clock& clock, const AuthorizerSettings& settings,
                           const mqtt::ConnectAttempt& attempt, CertificateFacts facts)
        : registry_(registry),
          clock_(clock),
          settings_(settings),
          client_id_(attempt.client_id),
          peer_address_(attempt.peer_address),
          server_name_(attempt.server_name),
          facts_(std::move(facts)),
          principal_arn_(fmt::format("arn:aws:iot:{}:{}:cert/{}", settings.region, settings.account_id, facts_.id)),
          arn_prefix_(fmt::format("arn:aws:iot:{}:{}:", settings.region, settings.account_id)) {}

    bool MayPublish(std::string_view topic, bool retain) const override {
        return !IsEventTopic(topic) && Current()->MayPublish(topic, retain);
    }
    bool MaySubscribe(std::string_view filter) const override { return Current()->MaySubscribe(filter); }
    bool MayReceive(std::string_view topic) const override { return Current()->MayReceive(topic); }
    std::string_view principal() const override { return facts_.id; }
    bool MayConnect() const { return Current()->MayConnect(client_id_); }

  private:
    // What the permissions came from: compared to see whether they still hold.
    struct Sources {
        std::shared_ptr<const Certificate> certificate;
        std::shared_ptr<const Thing> thing;
        bool attached = false;
        std::vector<std::shared_ptr<const PolicyDocument>> documents;
        friend bool operator==(const Sources&, const Sources&) = default;
    };

    std::shared_ptr<const PermissionSet> Current() const {
        uint64_t generation = registry_.generation();
        if (generation_.load(std::memory_order_acquire) == generation) return set_.load(std::memory_order_acquire);
        std::lock_guard lock(mutex_);
        Sources sources = Gather();
        auto set = set_.load(std::memory_order_acquire);
        if (!set || !(sources == sources_)) {
            set = Derive(sources);
            set_.store(set, std::memory_order_release);
            sources_ = std::move(sources);
        }
        generation_.store(generation, std::memory_order_release);
        return set;
    }

    Sources Gather() const {
        Sources sources;
        sources.certificate = registry_.certificates.Find(facts_.id);
        if (!sources.certificate || sources.certificate->status != "ACTIVE") return sources;
        auto add = [&](const std::vector<std::shared_ptr<const Policy>>& policies) {
            for (const auto& policy : policies) sources.documents.push_back(policy->in_force().parsed);
        };
        add(registry_.PoliciesOf(principal_arn_));
        sources.thing = registry_.things.Find(client_id_);
        sources.attached =
            sources.thing && registry_.thing_principals.Find(PairKey(client_id_, principal_arn_)) != nullptr;
        if (!sources.attached) {
            // A certificate that belongs to one thing alone names it whatever the client calls itself.
            for (const auto& attached : registry_.ThingsOf(principal_arn_)) {
                if (!attached->exclusive) continue;
                sources.thing = registry_.things.Find(attached->thing);
                sources.attached = sources.thing != nullptr;
                break;
            }
        }
        if (sources.attached) add(registry_.GroupPoliciesOf(sources.thing->name, arn_prefix_ + "thinggroup/"));
        return sources;
    }

    std::shared_ptr<const PermissionSet> Derive(const Sources& sources) const {
        ConnectionContext context;
        SetClient(client_id_, sources.attached ? sources.thing : nullptr, clock_.Now(), context);
        context.SetIfGiven("aws:sourceip", peer_address_.substr(0, peer_address_.find('%')));
        context.SetIfGiven("iot:domainname", server_name_);
        SetCertificate(facts_, context);
        return std::make_shared<const PermissionSet>(sources.documents, context, arn_prefix_);
    }

    Registry& registry_;
    env::Clock& clock_;
    const AuthorizerSettings& settings_;
    std::string client_id_;
    std::string peer_address_;
    std::string server_name_;
    CertificateFacts facts_;
    std::string principal_arn_;
    std::string arn_prefix_;
    mutable std::mutex mutex_;
    mutable Sources sources_;
    mutable std::atomic<std::shared_ptr<const PermissionSet>> set_;
    mutable std::atomic<uint64_t> generation_{0};
};

class RegistryAuthorizer final : public mqtt::Authorizer {
  public:
    RegistryAuthorizer(Registry& registry, env::Clock& clock, AutoRegistration& registration, AuthorizerSettings settings)
        : registry_(registry), clock_(clock), registration_(registration), settings_(std::move(settings)) {}

    env::Task<base::Result<std::shared_ptr<const mqtt::Permissions>>> Connect(
        const mqtt::ConnectAttempt& attempt) override {
        if (!attempt.client_certificate_der.empty()) {
            auto considered = co_await registration_.Consider(attempt.client_certificate_der);
            if (!considered) co_return std::unexpected(std::move(considered).error());
        }
        co_return Decide(attempt);
    }

  private:
    base::Result<std::shared_ptr<const mqtt::Permissions>> Decide(const mqtt::ConnectAttempt& attempt) {
        if (!attempt.signed_access_key_id.empty()) {
            return std::make_shared<const EverythingAllowed>(attempt.signed_access_key_id);
        }
        if (attempt.client_certificate_der.empty()) {
            if (!attempt.tls && settings_.trust_plain) return std::make_shared<const EverythingAllowed>("");
            return base::Fail(base::ErrorCode::kPermission, "no client certificate");
        }
        if (settings_.require_server_name && attempt.server_name.empty()) {
            return base::Fail(base::ErrorCode::kPermission, "the client named no server (SNI)");
        }
        std::string id = CertificateId(attempt.client_certificate_der);
        auto certificate = registry_.certificates.Find(id);
        if (!certificate) {
            return base::Fail(base::ErrorCode::kPermission, "the certificate " + id + " is not registered");
        }
        if (certificate->status != "ACTIVE") {
            return base::Fail(base::ErrorCode::kPermission,
                              "the certificate " + id + " is " + certificate->status);
        }
        base::Instant now = clock_.Now();
        if (now < certificate->not_before || now >= certificate->not_after) {
            return base::Fail(base::ErrorCode::kPermission, "the certificate " + id + " is not valid at this time");
        }
        ASSIGN_OR_RETURN(X509Pointer parsed, CertificateFromDer(attempt.client_certificate_der));
        auto permissions = std::make_shared<const CertificatePermissions>(registry_, clock_, settings_, attempt,
                                                                          FactsOf(*parsed));
        if (!permissions->MayConnect()) {
            return base::Fail(base::ErrorCode::kPermission,
                              fmt::format("no policy of {} allows iot:Connect on client/{}", id, attempt.client_id));
        }
        if (attempt.will && !permissions->MayPublish(attempt.will_topic, false)) {
            return base::Fail(base::ErrorCode::kPermission,
                              fmt::format("no policy of {} allows the will on {}", id, attempt.will_topic));
        }
        return permissions;
    }

    Registry& registry_;
    env::Clock& clock_;
    AutoRegistration& registration_;
    AuthorizerSettings settings_;
};

}  // namespace

std::unique_ptr<const PolicyContext> MakeClientContext(const Registry& registry, const std::string& principal_arn,
                                                       const std::string& client_id, base::Instant now) {
    auto context = std::make_unique<ConnectionContext>();
    auto thing = registry.things.Find(client_id);
    if (!registry.thing_principals.Find(PairKey(client_id, principal_arn))) thing = nullptr;
    SetClient(client_id, std::move(thing), now, *context);
    const size_t slash = principal_arn.rfind('/');
    if (slash == std::string::npos) return context;
    if (auto certificate = registry.certificates.Find(principal_arn.substr(slash + 1))) {
        if (auto parsed = CertificateFromPem(certificate->pem)) SetCertificate(FactsOf(**parsed), *context);
    }
    return context;
}

std::unique_ptr<mqtt::Authorizer> MakeAuthorizer(Registry& registry, env::Clock& clock,
                                                 AutoRegistration& registration, AuthorizerSettings settings) {
    return std::make_unique<RegistryAuthorizer>(registry, clock, registration, std::move(settings));
}

}  // namespace wellhead::services::iot
