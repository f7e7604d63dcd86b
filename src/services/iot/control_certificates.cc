// Device certificates and registered authorities.

#include <fmt/format.h>

#include "apis/iot/errors.h"
#include "services/iot/certificate.h"
#include "services/iot/iot_control.h"
#include "services/iot/paging.h"

namespace wellhead::services::iot {

namespace {

// Sorts as the creation date does.
template <class Record>
std::string CreationKey(const std::shared_ptr<const Record>& record) {
    return fmt::format("{:020}{}", base::ToUnixUs(record->created), record->id);
}

api::ServiceError NotFound(const std::string& id) {
    return wire::ResourceNotFoundException(fmt::format("The certificate given in the principal or id {} does not exist", id));
}

wire::CertificateValidity ValidityOf(base::Instant not_before, base::Instant not_after) {
    wire::CertificateValidity validity;
    validity.notBefore = not_before;
    validity.notAfter = not_after;
    return validity;
}

api::Outcome<std::string> InitialStatus(const std::optional<std::string>& status,
                                        const std::optional<bool>& active) {
    std::string wanted = status.value_or(active.value_or(false) ? "ACTIVE" : "INACTIVE");
    if (wanted != "ACTIVE" && wanted != "INACTIVE") {
        return std::unexpected(
            wire::InvalidRequestException("A certificate is registered as ACTIVE or INACTIVE, not as " + wanted));
    }
    return wanted;
}

}  // namespace

env::Task<api::Outcome<Certificate>> IotControl::Keep(std::string pem, bool active) {
    auto parsed = CertificateFromPem(pem);
    if (!parsed) co_return std::unexpected(Broken(parsed.error()));
    CertificateFacts facts = FactsOf(**parsed);
    Certificate certificate;
    certificate.id = facts.id;
    certificate.pem = std::move(pem);
    certificate.status = active ? "ACTIVE" : "INACTIVE";
    certificate.mode = "DEFAULT";
    certificate.created = clock_.Now();
    certificate.modified = certificate.created;
    certificate.not_before = facts.not_before;
    certificate.not_after = facts.not_after;
    auto pass = co_await registry_.BeginChange();
    Change change;
    change.Put(registry_.certificates, certificate);
    auto committed = co_await Commit(std::move(change));
    if (!committed) co_return std::unexpected(committed.error());
    co_return certificate;
}

env::Task<api::Outcome<wire::CreateKeysAndCertificateResponse>> IotControl::CreateKeysAndCertificate(
    const api::CallContext&, wire::CreateKeysAndCertificateRequest input) {
    auto issue = [this] { return authority_.IssueDeviceCertificate(random_, clock_.Now()); };
    auto issued = co_await env::RunBlocking(pool_, issue);
    if (!issued) co_return std::unexpected(Broken(issued.error()));
    auto kept = co_await Keep(issued->certificate_pem, input.setAsActive.value_or(false));
    if (!kept) co_return std::unexpected(kept.error());
    wire::CreateKeysAndCertificateResponse response;
    response.certificateArn = Arn("cert", kept->id);
    response.certificateId = kept->id;
    response.certificatePem = std::move(issued->certificate_pem);
    wire::KeyPair keys;
    keys.PublicKey = std::move(issued->public_key_pem);
    keys.PrivateKey = std::move(issued->private_key_pem);
    response.keyPair = std::move(keys);
    co_return response;
}

env::Task<api::Outcome<wire::CreateCertificateFromCsrResponse>> IotControl::CreateCertificateFromCsr(
    const api::CallContext&, wire::CreateCertificateFromCsrRequest input) {
    auto issue = [this, &input] {
        return authority_.IssueFromRequest(input.certificateSigningRequest, random_, clock_.Now());
    };
    auto issued = co_await env::RunBlocking(pool_, issue);
    if (!issued) co_return std::unexpected(wire::InvalidRequestException(issued.error().message));
    auto kept = co_await Keep(issued->certificate_pem, input.setAsActive.value_or(false));
    if (!kept) co_return std::unexpected(kept.error());
    wire::CreateCertificateFromCsrResponse response;
    response.certificateArn = Arn("cert", kept->id);
    response.certificateId = kept->id;
    response.certificatePem = std::move(issued->certificate_pem);
    co_return response;
}

env::Task<api::Outcome<Certificate>> IotControl::Register(std::string pem, std::string ca_id, std::string mode,
                                                          std::string status) {
    auto parsed = CertificateFromPem(pem);
    if (!parsed) co_return std::unexpected(wire::CertificateValidationException(parsed.error().message));
    CertificateFacts facts = FactsOf(**parsed);
    if (facts.is_authority) {
        co_return std::unexpected(wire::CertificateValidationException("An authority's certificate is no device's"));
    }
    Certificate certificate;
    certificate.id = facts.id;
    certificate.pem = ToPem(**parsed);
    certificate.status = std::move(status);
    certificate.ca_id = std::move(ca_id);
    certificate.mode = std::move(mode);
    certificate.created = clock_.Now();
    certificate.modified = certificate.created;
    certificate.not_before = facts.not_before;
    certificate.not_after = facts.not_after;
    auto pass = co_await registry_.BeginChange();
    if (registry_.certificates.Find(certificate.id)) {
        auto error = wire::ResourceAlreadyExistsException("The certificate is already registered");
        error.members["resourceId"] = certificate.id;
        error.members["resourceArn"] = Arn("cert", certificate.id);
        co_return std::unexpected(error);
    }
    Change change;
    change.Put(registry_.certificates, certificate);
    auto committed = co_await Commit(std::move(change));
    if (!committed) co_return std::unexpected(committed.error());
    co_return certificate;
}

env::Task<api::Outcome<wire::RegisterCertificateResponse>> IotControl::RegisterCertificate(
    const api::CallContext&, wire::RegisterCertificateRequest input) {
    auto status = InitialStatus(input.status, input.setAsActive);
    if (!status) co_return std::unexpected(status.error());
    auto parsed = CertificateFromPem(input.certificatePem);
    if (!parsed) co_return std::unexpected(wire::CertificateValidationException(parsed.error().message));
    std::string wanted_ca;
    if (input.caCertificatePem) {
        auto ca = CertificateFromPem(*input.caCertificatePem);
        if (!ca) co_return std::unexpected(wire::CertificateValidationException(ca.error().message));
        wanted_ca = CertificateId(ToDer(**ca));
    }
    std::string ca_id;
    for (const auto& ca : registry_.ca_certificates.All()) {
        if (ca->status != "ACTIVE" || (!wanted_ca.empty() && ca->id != wanted_ca)) continue;
        auto issuer = CertificateFromPem(ca->pem);
        if (issuer && IsSignedBy(**parsed, **issuer)) ca_id = ca->id;
    }
    if (ca_id.empty()) {
        co_return std::unexpected(
            wire::CertificateValidationException("No active registered authority signed the certificate"));
    }
    auto kept = co_await Register(std::move(input.certificatePem), std::move(ca_id), "DEFAULT", std::move(*status));
    if (!kept) co_return std::unexpected(kept.error());
    wire::RegisterCertificateResponse response;
    response.certificateArn = Arn("cert", kept->id);
    response.certificateId = kept->id;
    co_return response;
}

env::Task<api::Outcome<wire::RegisterCertificateWithoutCAResponse>> IotControl::RegisterCertificateWithoutCA(
    const api::CallContext&, wire::RegisterCertificateWithoutCARequest input) {
    auto status = InitialStatus(input.status, std::nullopt);
    if (!status) co_return std::unexpected(status.error());
    auto kept = co_await Register(std::move(input.certificatePem), "", "SNI_ONLY", std::move(*status));
    if (!kept) co_return std::unexpected(kept.error());
    wire::RegisterCertificateWithoutCAResponse response;
    response.certificateArn = Arn("cert", kept->id);
    response.certificateId = kept->id;
    co_return response;
}

env::Task<api::Outcome<wire::DescribeCertificateResponse>> IotControl::DescribeCertificate(
    const api::CallContext&, wire::DescribeCertificateRequest input) {
    auto certificate = registry_.certificates.Find(input.certificateId);
    if (!certificate) co_return std::unexpected(NotFound(input.certificateId));
    wire::CertificateDescription description;
    description.certificateArn = Arn("cert", certificate->id);
    description.certificateId = certificate->id;
    if (!certificate->ca_id.empty()) description.caCertificateId = certificate->ca_id;
    description.status = certificate->status;
    description.certificatePem = certificate->pem;
    description.ownedBy = settings_.account_id;
    description.creationDate = certificate->created;
    description.lastModifiedDate = certificate->modified;
    description.customerVersion = certificate->version;
    description.generationId = certificate->id.substr(0, 32);
    description.validity = ValidityOf(certificate->not_before, certificate->not_after);
    description.certificateMode = certificate->mode;
    wire::DescribeCertificateResponse response;
    response.certificateDescription = std::move(description);
    co_return response;
}

env::Task<api::Outcome<wire::UpdateCertificateOutput>> IotControl::UpdateCertificate(
    const api::CallContext&, wire::UpdateCertificateRequest input) {
    if (input.newStatus != "ACTIVE" && input.newStatus != "INACTIVE" && input.newStatus != "REVOKED") {
        co_return std::unexpected(
            wire::InvalidRequestException("The status " + input.newStatus + " is not one to set"));
    }
    auto pass = co_await registry_.BeginChange();
    auto existing = registry_.certificates.Find(input.certificateId);
    if (!existing) co_return std::unexpected(NotFound(input.certificateId));
    if (existing->status == input.newStatus) co_return wire::UpdateCertificateOutput();
    Certificate certificate = *existing;
    certificate.status = input.newStatus;
    certificate.modified = clock_.Now();
    ++certificate.version;
    Change change;
    change.Put(registry_.certificates, certificate);
    auto committed = co_await Commit(std::move(change));
    if (!committed) co_return std::unexpected(committed.error());
    if (input.newStatus != "ACTIVE" && broker_ != nullptr) {
        broker_->DisconnectPrincipal(certificate.id, "the certificate is " + input.newStatus);
    }
    co_return wire::UpdateCertificateOutput();
}

env::Task<api::Outcome<wire::DeleteCertificateOutput>> IotControl::DeleteCertificate(
    const api::CallContext&, wire::DeleteCertificateRequest input) {
    auto pass = co_await registry_.BeginChange();
    auto existing = registry_.certificates.Find(input.certificateId);
    if (!existing) co_return std::unexpected(NotFound(input.certificateId));
    std::string arn = Arn("cert", input.certificateId);
    if (existing->status == "ACTIVE") {
        co_return std::unexpected(wire::CertificateStateException(
            "Certificate must be deactivated before deletion (id " + input.certificateId + ")"));
    }
    if (!registry_.ThingsOf(arn).empty()) {
        co_return std::unexpected(
            wire::DeleteConflictException("Things must be detached before deletion (arn: " + arn + ")"));
    }
    auto policies = registry_.policy_attachments.Page(PairKey(arn, {}), {}, SIZE_MAX);
    if (!policies.empty() && !input.forceDelete.value_or(false)) {
        co_return std::unexpected(
            wire::DeleteConflictException("Certificate policies must be detached before deletion (arn: " + arn + ")"));
    }
    Change change;
    change.Delete(registry_.certificates, input.certificateId);
    for (const auto& [key, attached] : policies) change.Delete(registry_.policy_attachments, key);
    auto committed = co_await Commit(std::move(change));
    if (!committed) co_return std::unexpected(committed.error());
    if (broker_ != nullptr) broker_->DisconnectPrincipal(input.certificateId, "the certificate was deleted");
    co_return wire::DeleteCertificateOutput();
}

env::Task<api::Outcome<wire::ListCertificatesResponse>> IotControl::ListCertificates(
    const api::CallContext&, wire::ListCertificatesRequest input) {
    auto page = TakePage(registry_.certificates.All(), "ListCertificates", input.marker, PageLimit(input.pageSize, 25),
                         !input.ascendingOrder.value_or(false), CreationKey<Certificate>);
    if (!page) co_return std::unexpected(page.error());
    wire::ListCertificatesResponse response;
    response.certificates.emplace();
    for (const auto& certificate : page->items) response.certificates->push_back(ListItem(*certificate));
    response.nextMarker = page->next;
    co_return response;
}

wire::Certificate IotControl::ListItem(const Certificate& certificate) const {
    wire::Certificate item;
    item.certificateArn = Arn("cert", certificate.id);
    item.certificateId = certificate.id;
    item.status = certificate.status;
    item.certificateMode = certificate.mode;
    item.creationDate = certificate.created;
    return item;
}

env::Task<api::Outcome<wire::ListCertificatesByCAResponse>> IotControl::ListCertificatesByCA(
    const api::CallContext&, wire::ListCertificatesByCARequest input) {
    auto signed_by = registry_.certificates.All(
        [&](const Certificate& certificate) { return certificate.ca_id == input.caCertificateId; });
    auto page = TakePage(std::move(signed_by), "ListCertificatesByCA", input.marker, PageLimit(input.pageSize, 25),
                         !input.ascendingOrder.value_or(false), CreationKey<Certificate>);
    if (!page) co_return std::unexpected(page.error());
    wire::ListCertificatesByCAResponse response;
    response.certificates.emplace();
    for (const auto& certificate : page->items) response.certificates->push_back(ListItem(*certificate));
    response.nextMarker = page->next;
    co_return response;
}

env::Task<api::Outcome<wire::GetRegistrationCodeResponse>> IotControl::GetRegistrationCode(
    const api::CallContext&, wire::GetRegistrationCodeRequest) {
    wire::GetRegistrationCodeResponse response;
    response.registrationCode = settings_.registration_code;
    co_return response;
}

env::Task<api::Outcome<wire::RegisterCACertificateResponse>> IotControl::RegisterCACertificate(
    const api::CallContext&, wire::RegisterCACertificateRequest input) {
    if (input.registrationConfig) {
        co_return std::unexpected(wire::InvalidRequestException("Provisioning templates are not served"));
    }
    auto parsed = CertificateFromPem(input.caCertificate);
    if (!parsed) co_return std::unexpected(wire::CertificateValidationException(parsed.error().message));
    CertificateFacts facts = FactsOf(**parsed);
    if (!facts.is_authority) {
        co_return std::unexpected(wire::CertificateValidationException("The certificate is not an authority's"));
    }
    std::string mode = input.certificateMode.value_or("DEFAULT");
    if (mode == "DEFAULT") {
        if (!input.verificationCertificate) {
            co_return std::unexpected(wire::InvalidRequestException("A verification certificate is needed"));
        }
        auto proof = CertificateFromPem(*input.verificationCertificate);
        if (!proof) co_return std::unexpected(wire::CertificateValidationException(proof.error().message));
        if (!IsSignedBy(**proof, **parsed)) {
            co_return std::unexpected(
                wire::CertificateValidationException("The authority did not sign the verification certificate"));
        }
        if (FactsOf(**proof).subject_common_name != settings_.registration_code) {
            co_return std::unexpected(wire::RegistrationCodeValidationException(
                "The common name of the verification certificate is not the registration code"));
        }
    }
    CaCertificate certificate;
    certificate.id = facts.id;
    certificate.pem = ToPem(**parsed);
    certificate.status = input.setAsActive.value_or(false) ? "ACTIVE" : "INACTIVE";
    certificate.mode = mode;
    certificate.auto_registration = input.allowAutoRegistration.value_or(false) ? "ENABLE" : "DISABLE";
    certificate.created = clock_.Now();
    certificate.modified = certificate.created;
    certificate.not_before = facts.not_before;
    certificate.not_after = facts.not_after;
    std::string arn = Arn("cacert", certificate.id);
    auto pass = co_await registry_.BeginChange();
    if (registry_.ca_certificates.Find(certificate.id)) {
        auto error = wire::ResourceAlreadyExistsException("The authority is already registered");
        error.members["resourceId"] = certificate.id;
        error.members["resourceArn"] = arn;
        co_return std::unexpected(error);
    }
    Change change;
    change.Put(registry_.ca_certificates, certificate);
    AddTags(change, arn, input.tags);
    auto committed = co_await Commit(std::move(change));
    if (!committed) co_return std::unexpected(committed.error());
    wire::RegisterCACertificateResponse response;
    response.certificateArn = arn;
    response.certificateId = certificate.id;
    co_return response;
}

env::Task<api::Outcome<wire::DescribeCACertificateResponse>> IotControl::DescribeCACertificate(
    const api::CallContext&, wire::DescribeCACertificateRequest input) {
    auto certificate = registry_.ca_certificates.Find(input.certificateId);
    if (!certificate) co_return std::unexpected(NotFound(input.certificateId));
    wire::CACertificateDescription description;
    description.certificateArn = Arn("cacert", certificate->id);
    description.certificateId = certificate->id;
    description.status = certificate->status;
    description.certificatePem = certificate->pem;
    description.ownedBy = settings_.account_id;
    description.creationDate = certificate->created;
    description.autoRegistrationStatus = certificate->auto_registration;
    description.lastModifiedDate = certificate->modified;
    description.customerVersion = certificate->version;
    description.generationId = certificate->id.substr(0, 32);
    description.validity = ValidityOf(certificate->not_before, certificate->not_after);
    description.certificateMode = certificate->mode;
    wire::DescribeCACertificateResponse response;
    response.certificateDescription = std::move(description);
    co_return response;
}

env::Task<api::Outcome<wire::UpdateCACertificateOutput>> IotControl::UpdateCACertificate(
    const api::CallContext&, wire::UpdateCACertificateRequest input) {
    if (input.registrationConfig) {
        co_return std::unexpected(wire::InvalidRequestException("Provisioning templates are not served"));
    }
    auto pass = co_await registry_.BeginChange();
    auto existing = registry_.ca_certificates.Find(input.certificateId);
    if (!existing) co_return std::unexpected(NotFound(input.certificateId));
    CaCertificate certificate = *existing;
    if (input.newStatus) certificate.status = *input.newStatus;
    if (input.newAutoRegistrationStatus) certificate.auto_registration = *input.newAutoRegistrationStatus;
    certificate.modified = clock_.Now();
    ++certificate.version;
    Change change;
    change.Put(registry_.ca_certificates, std::move(certificate));
    auto committed = co_await Commit(std::move(change));
    if (!committed) co_return std::unexpected(committed.error());
    co_return wire::UpdateCACertificateOutput();
}

env::Task<api::Outcome<wire::DeleteCACertificateResponse>> IotControl::DeleteCACertificate(
    const api::CallContext&, wire::DeleteCACertificateRequest input) {
    auto pass = co_await registry_.BeginChange();
    auto existing = registry_.ca_certificates.Find(input.certificateId);
    if (!existing) co_return std::unexpected(NotFound(input.certificateId));
    if (existing->status == "ACTIVE") {
        co_return std::unexpected(wire::CertificateStateException(
            "CA certificate must be deactivated before deletion (id " + input.certificateId + ")"));
    }
    Change change;
    change.Delete(registry_.ca_certificates, input.certificateId);
    change.Delete(registry_.tags, Arn("cacert", input.certificateId));
    auto committed = co_await Commit(std::move(change));
    if (!committed) co_return std::unexpected(committed.error());
    co_return wire::DeleteCACertificateResponse();
}

env::Task<api::Outcome<wire::ListCACertificatesResponse>> IotControl::ListCACertificates(
    const api::CallContext&, wire::ListCACertificatesRequest input) {
    auto page = TakePage(registry_.ca_certificates.All(), "ListCACertificates", input.marker,
                         PageLimit(input.pageSize, 25), !input.ascendingOrder.value_or(false),
                         CreationKey<CaCertificate>);
    if (!page) co_return std::unexpected(page.error());
    wire::ListCACertificatesResponse response;
    response.certificates.emplace();
    for (const auto& certificate : page->items) {
        wire::CACertificate item;
        item.certificateArn = Arn("cacert", certificate->id);
        item.certificateId = certificate->id;
        item.status = certificate->status;
        item.creationDate = certificate->created;
        response.certificates->push_back(std::move(item));
    }
    response.nextMarker = page->next;
    co_return response;
}

}  // namespace wellhead::services::iot
