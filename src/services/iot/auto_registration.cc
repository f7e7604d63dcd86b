#include "services/iot/auto_registration.h"

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "base/log.h"
#include "services/iot/certificate.h"

namespace wellhead::services::iot {

namespace json = boost::json;

env::Task<base::Result<void>> AutoRegistration::Consider(base::Bytes certificate_der) {
    const std::string id = CertificateId(certificate_der);
    if (registry_.certificates.Find(id)) co_return base::Result<void>();
    auto authorities = registry_.ca_certificates.All(
        [](const CaCertificate& ca) { return ca.status == "ACTIVE" && ca.auto_registration == "ENABLE"; });
    if (authorities.empty()) co_return base::Result<void>();
    auto parsed = CertificateFromDer(certificate_der);
    if (!parsed) co_return base::Result<void>();
    const CertificateFacts facts = FactsOf(**parsed);
    std::string ca_id;
    for (const auto& authority : authorities) {
        auto issuer = CertificateFromPem(authority->pem);
        if (issuer && IsSignedBy(**parsed, **issuer)) ca_id = authority->id;
    }
    if (ca_id.empty() || facts.is_authority) co_return base::Result<void>();
    Certificate certificate;
    certificate.id = id;
    certificate.pem = ToPem(**parsed);
    certificate.status = "PENDING_ACTIVATION";
    certificate.ca_id = ca_id;
    certificate.mode = "DEFAULT";
    certificate.created = clock_.Now();
    certificate.modified = certificate.created;
    certificate.not_before = facts.not_before;
    certificate.not_after = facts.not_after;
    const int64_t now_ms = base::ToUnixMs(certificate.created);
    {
        auto pass = co_await registry_.BeginChange();
        if (registry_.certificates.Find(id)) co_return base::Result<void>();
        Change change;
        change.Put(registry_.certificates, std::move(certificate));
        CO_RETURN_IF_ERROR(co_await registry_.Commit(std::move(change)));
    }
    base::LogInfo("iot", "the certificate {} was registered at its first connection", id);
    if (broker_ == nullptr) co_return base::Result<void>();
    mqtt::PublishedMessage event;
    event.message.topic = "$aws/events/certificates/registered/" + ca_id;
    event.message.payload = json::serialize(json::object{{"certificateId", id},
                                                         {"caCertificateId", ca_id},
                                                         {"timestamp", now_ms},
                                                         {"certificateStatus", "PENDING_ACTIVATION"},
                                                         {"awsAccountId", account_id_},
                                                         {"certificateRegistrationTimestamp", std::to_string(now_ms)}});
    event.message.qos = mqtt::QoS::kAtLeastOnce;
    event.arrival = clock_.Now();
    auto told = co_await broker_->Publish(std::move(event));
    if (!told) base::LogWarning("iot", "telling of a registered certificate failed: {}", told.error().message);
    co_return base::Result<void>();
}

}  // namespace wellhead::services::iot
