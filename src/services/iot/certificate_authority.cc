#include "services/iot/certificate_authority.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>

namespace wellhead::services::iot {

namespace {

// 2049-12-31T23:59:59Z, the end of every certificate that AWS IoT issues.
constexpr base::Instant kDeviceCertificatesEnd = base::FromUnixMs(2524607999000);
constexpr auto kAuthorityLifetime = std::chrono::hours(24 * 365 * 40);
// Clocks of devices may be a little behind ours.
constexpr auto kBackdated = std::chrono::minutes(5);

struct FreeRequest {
    void operator()(X509_REQ* request) const { X509_REQ_free(request); }
};
using RequestPointer = std::unique_ptr<X509_REQ, FreeRequest>;

base::Result<KeyPointer> MakeEcKey() {
    KeyPointer key(EVP_EC_gen("P-256"));
    if (!key) return std::unexpected(CryptoError("making an EC key"));
    return key;
}

base::Result<KeyPointer> MakeRsaKey() {
    KeyPointer key(EVP_RSA_gen(2048));
    if (!key) return std::unexpected(CryptoError("making an RSA key"));
    return key;
}

bool IsAddress(const std::string& name) {
    unsigned char bytes[16];
    return inet_pton(AF_INET, name.c_str(), bytes) == 1 || inet_pton(AF_INET6, name.c_str(), bytes) == 1;
}

// Names of our own making; those with characters that the library's syntax uses are left out.
std::string AlternativeNames(const std::vector<std::string>& names) {
    std::string list;
    for (const std::string& name : names) {
        bool plain = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
            return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '-' || c == '*' ||
                   c == ':' || c == '_';
        });
        if (!plain) continue;
        if (!list.empty()) list.append(",");
        list.append(IsAddress(name) ? "IP:" : "DNS:").append(name);
    }
    return list;
}

bool AddExtension(X509* certificate, X509* issuer, int nid, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> extension(
        X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()), X509_EXTENSION_free);
    return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool SetSerial(X509* certificate, env::Random& random) {
    uint8_t bytes[20];
    random.Fill(bytes);
    bytes[0] &= 0x7f;
    bytes[0] |= 0x40;
    std::unique_ptr<BIGNUM, decltype(&BN_free)> number(BN_bin2bn(bytes, sizeof bytes, nullptr), BN_free);
    return BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool SetTime(ASN1_TIME* time, base::Instant at) {
    return ASN1_TIME_set(time, static_cast<time_t>(base::ToUnixMs(at) / 1000)) != nullptr;
}

bool AddNamePart(X509_NAME* name, const char* field, std::string_view value) {
    return X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
                                      reinterpret_cast<const unsigned char*>(value.data()),
                                      static_cast<int>(value.size()), -1, 0) == 1;
}

}  // namespace

struct CertificateAuthority::Wanted {
    EVP_PKEY* key = nullptr;
    X509_NAME* subject = nullptr;  // null: common_name alone
    std::string common_name;
    base::Instant not_before;
    base::Instant not_after;
    std::vector<std::pair<int, std::string>> extensions;
};

base::Result<std::string> CertificateAuthority::Sign(const Wanted& wanted, env::Random& random) const {
    X509Pointer certificate(X509_new());
    X509* made = certificate.get();
    X509* issuer = certificate_ ? certificate_.get() : made;
    bool good = X509_set_version(made, 2) == 1 && SetSerial(made, random) &&
                SetTime(X509_getm_notBefore(made), wanted.not_before) &&
                SetTime(X509_getm_notAfter(made), wanted.not_after) && X509_set_pubkey(made, wanted.key) == 1;
    X509_NAME* subject = X509_get_subject_name(made);
    if (wanted.subject != nullptr) {
        good = good && X509_set_subject_name(made, wanted.subject) == 1;
    } else {
        good = good && AddNamePart(subject, "CN", wanted.common_name);
    }
    good = good && X509_set_issuer_name(made, X509_get_subject_name(issuer)) == 1;
    for (const auto& [nid, value] : wanted.extensions) good = good && AddExtension(made, issuer, nid, value);
    EVP_PKEY* signing_key = key_ ? key_.get() : wanted.key;
    good = good && X509_sign(made, signing_key, EVP_sha256()) > 0;
    if (!good) return std::unexpected(CryptoError("signing a certificate"));
    return ToPem(*made);
}

base::Result<CertificateAuthority> CertificateAuthority::Make(env::Random& random, base::Instant now) {
    ASSIGN_OR_RETURN(KeyPointer key, MakeEcKey());
    Wanted wanted;
    wanted.key = key.get();
    // A part of its own in the name, so that the authorities of two machines are not taken for one.
    wanted.common_name = "Wellhead Root CA " + env::RandomHex(random, 4);
    wanted.not_before = now - kBackdated;
    wanted.not_after = now + kAuthorityLifetime;
    wanted.extensions = {{NID_basic_constraints, "critical,CA:TRUE"},
                         {NID_key_usage, "critical,keyCertSign,cRLSign,digitalSignature"},
                         {NID_subject_key_identifier, "hash"}};
    ASSIGN_OR_RETURN(std::string pem, CertificateAuthority().Sign(wanted, random));
    return Load(pem, PrivateKeyToPem(*key));
}

base::Result<CertificateAuthority> CertificateAuthority::Load(std::string_view certificate_pem,
                                                              std::string_view key_pem) {
    ASSIGN_OR_RETURN(X509Pointer certificate, CertificateFromPem(certificate_pem));
    ASSIGN_OR_RETURN(KeyPointer key, PrivateKeyFromPem(key_pem));
    if (X509_check_private_key(certificate.get(), key.get()) != 1) {
        return std::unexpected(CryptoError("the authority's key does not belong to its certificate"));
    }
    CertificateAuthority authority;
    authority.certificate_pem_ = certificate_pem;
    authority.key_pem_ = key_pem;
    authority.id_ = CertificateId(ToDer(*certificate));
    authority.certificate_ = std::shared_ptr<x509_st>(certificate.release(), FreeX509());
    authority.key_ = std::shared_ptr<evp_pkey_st>(key.release(), FreeKey());
    return authority;
}

base::Result<IssuedCertificate> CertificateAuthority::IssueDeviceCertificate(env::Random& random,
                                                                             base::Instant now) const {
    ASSIGN_OR_RETURN(KeyPointer key, MakeRsaKey());
    Wanted wanted;
    wanted.key = key.get();
    wanted.common_name = "AWS IoT Certificate";
    wanted.not_before = now - kBackdated;
    wanted.not_after = std::max(kDeviceCertificatesEnd, now + std::chrono::hours(24 * 365));
    wanted.extensions = {{NID_basic_constraints, "critical,CA:FALSE"},
                         {NID_key_usage, "critical,digitalSignature,keyEncipherment"},
                         {NID_subject_key_identifier, "hash"},
                         {NID_authority_key_identifier, "keyid:always"}};
    ASSIGN_OR_RETURN(std::string pem, Sign(wanted, random));
    return IssuedCertificate{std::move(pem), PrivateKeyToPem(*key), PublicKeyToPem(*key)};
}

base::Result<IssuedCertificate> CertificateAuthority::IssueFromRequest(std::string_view request_pem,
                                                                       env::Random& random,
                                                                       base::Instant now) const {
    std::unique_ptr<BIO, decltype(&BIO_free)> bio(
        BIO_new_mem_buf(request_pem.data(), static_cast<int>(request_pem.size())), BIO_free);
    RequestPointer request(PEM_read_bio_X509_REQ(bio.get(), nullptr, nullptr, nullptr));
    if (!request) return std::unexpected(CryptoError("not a PEM certificate signing request"));
    EVP_PKEY* key = X509_REQ_get0_pubkey(request.get());
    if (key == nullptr || X509_REQ_verify(request.get(), key) != 1) {
        return std::unexpected(CryptoError("the signing request's own signature does not hold"));
    }
    if (!HasAcceptableKey(*key)) {
        return base::Fail(base::ErrorCode::kInvalidArgument,
                          "the key must be RSA of at least 2048 bits or EC on P-256, P-384 or P-521");
    }
    Wanted wanted;
    wanted.key = key;
    wanted.subject = X509_REQ_get_subject_name(request.get());
    wanted.not_before = now - kBackdated;
    wanted.not_after = std::max(kDeviceCertificatesEnd, now + std::chrono::hours(24 * 365));
    wanted.extensions = {{NID_basic_constraints, "critical,CA:FALSE"},
                         {NID_key_usage, "critical,digitalSignature"},
                         {NID_subject_key_identifier, "hash"},
                         {NID_authority_key_identifier, "keyid:always"}};
    ASSIGN_OR_RETURN(std::string pem, Sign(wanted, random));
    return IssuedCertificate{std::move(pem), {}, PublicKeyToPem(*key)};
}

base::Result<IssuedCertificate> CertificateAuthority::IssueServerCertificate(
    const std::vector<std::string>& names, base::Duration lifetime, env::Random& random,
    base::Instant now) const {
    std::string alternatives = AlternativeNames(names);
    if (alternatives.empty()) return base::Fail(base::ErrorCode::kInvalidArgument, "no name for the server");
    ASSIGN_OR_RETURN(KeyPointer key, MakeEcKey());
    Wanted wanted;
    wanted.key = key.get();
    wanted.common_name = names.front().substr(0, 64);
    wanted.not_before = now - kBackdated;
    wanted.not_after = now + lifetime;
    wanted.extensions = {{NID_basic_constraints, "critical,CA:FALSE"},
                         {NID_key_usage, "critical,digitalSignature"},
                         {NID_ext_key_usage, "serverAuth"},
                         {NID_subject_alt_name, alternatives},
                         {NID_subject_key_identifier, "hash"},
                         {NID_authority_key_identifier, "keyid:always"}};
    ASSIGN_OR_RETURN(std::string pem, Sign(wanted, random));
    return IssuedCertificate{std::move(pem), PrivateKeyToPem(*key), PublicKeyToPem(*key)};
}

}  // namespace wellhead::services::iot
