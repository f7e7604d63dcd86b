#include "services/iot/certificate.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "codec/base64.h"

namespace wellhead::services::iot {

namespace {

struct FreeBio {
    void operator()(BIO* bio) const { BIO_free(bio); }
};
using BioPointer = std::unique_ptr<BIO, FreeBio>;

constexpr size_t kMaxPemBytes = 64 * 1024;

BioPointer Reader(std::string_view text) {
    return BioPointer(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::string Contents(BIO& bio) {
    char* data = nullptr;
    long size = BIO_get_mem_data(&bio, &data);
    return {data, static_cast<size_t>(size)};
}

std::string NamePart(X509_NAME* name, int nid) {
    int at = X509_NAME_get_index_by_NID(name, nid, -1);
    if (at < 0) return {};
    unsigned char* utf8 = nullptr;
    int size = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
    if (size < 0) return {};
    std::string part(reinterpret_cast<char*>(utf8), static_cast<size_t>(size));
    OPENSSL_free(utf8);
    return part;
}

base::Instant ToInstant(const ASN1_TIME* time) {
    std::unique_ptr<ASN1_TIME, decltype(&ASN1_TIME_free)> epoch(ASN1_TIME_set(nullptr, 0), ASN1_TIME_free);
    int days = 0;
    int seconds = 0;
    ASN1_TIME_diff(&days, &seconds, epoch.get(), time);
    return base::FromUnixMs((int64_t{days} * 86400 + seconds) * 1000);
}

// No passphrase prompts: an encrypted key is an error.
int NoPassphrase(char*, int, int, void*) { return 0; }

}  // namespace

void FreeX509::operator()(x509_st* certificate) const { X509_free(certificate); }
void FreeKey::operator()(evp_pkey_st* key) const { EVP_PKEY_free(key); }

base::Error CryptoError(std::string_view description) {
    unsigned long code = ERR_peek_last_error();
    ERR_clear_error();
    std::string message(description);
    if (code != 0) {
        const char* reason = ERR_reason_error_string(code);
        if (reason != nullptr) message.append(": ").append(reason);
    }
    return {base::ErrorCode::kInvalidArgument, message};
}

base::Result<X509Pointer> CertificateFromPem(std::string_view pem) {
    if (pem.size() > kMaxPemBytes) {
        return base::Fail(base::ErrorCode::kInvalidArgument, "the certificate is too large");
    }
    BioPointer bio = Reader(pem);
    X509Pointer certificate(PEM_read_bio_X509(bio.get(), nullptr, NoPassphrase, nullptr));
    if (!certificate) return std::unexpected(CryptoError("not a PEM certificate"));
    return certificate;
}

base::Result<X509Pointer> CertificateFromDer(base::ByteView der) {
    const auto* at = reinterpret_cast<const unsigned char*>(der.data());
    X509Pointer certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
    if (!certificate) return std::unexpected(CryptoError("not a DER certificate"));
    return certificate;
}

base::Result<KeyPointer> PrivateKeyFromPem(std::string_view pem) {
    BioPointer bio = Reader(pem);
    KeyPointer key(PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassphrase, nullptr));
    if (!key) return std::unexpected(CryptoError("not a PEM private key"));
    return key;
}

std::string ToPem(x509_st& certificate) {
    BioPointer bio(BIO_new(BIO_s_mem()));
    PEM_write_bio_X509(bio.get(), &certificate);
    return Contents(*bio);
}

base::Bytes ToDer(x509_st& certificate) {
    unsigned char* der = nullptr;
    int size = i2d_X509(&certificate, &der);
    if (size < 0) return {};
    base::Bytes bytes(reinterpret_cast<char*>(der), static_cast<size_t>(size));
    OPENSSL_free(der);
    return bytes;
}

std::string PrivateKeyToPem(evp_pkey_st& key) {
    BioPointer bio(BIO_new(BIO_s_mem()));
    // The traditional form, as AWS hands it out ("BEGIN RSA PRIVATE KEY").
    PEM_write_bio_PrivateKey_traditional(bio.get(), &key, nullptr, nullptr, 0, nullptr, nullptr);
    return Contents(*bio);
}

std::string PublicKeyToPem(evp_pkey_st& key) {
    BioPointer bio(BIO_new(BIO_s_mem()));
    PEM_write_bio_PUBKEY(bio.get(), &key);
    return Contents(*bio);
}

std::string CertificateId(base::ByteView der) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    EVP_Digest(der.data(), der.size(), digest, &size, EVP_sha256(), nullptr);
    return codec::EncodeHex({reinterpret_cast<const char*>(digest), size});
}

CertificateFacts FactsOf(x509_st& certificate) {
    CertificateFacts facts;
    facts.id = CertificateId(ToDer(certificate));
    facts.not_before = ToInstant(X509_get0_notBefore(&certificate));
    facts.not_after = ToInstant(X509_get0_notAfter(&certificate));
    std::unique_ptr<BIGNUM, decltype(&BN_free)> serial(
        ASN1_INTEGER_to_BN(X509_get0_serialNumber(&certificate), nullptr), BN_free);
    char* digits = BN_bn2hex(serial.get());
    facts.serial = digits;
    OPENSSL_free(digits);
    X509_NAME* subject = X509_get_subject_name(&certificate);
    facts.subject_common_name = NamePart(subject, NID_commonName);
    facts.subject_organization = NamePart(subject, NID_organizationName);
    facts.subject_unit = NamePart(subject, NID_organizationalUnitName);
    facts.subject_country = NamePart(subject, NID_countryName);
    facts.subject_state = NamePart(subject, NID_stateOrProvinceName);
    facts.subject_qualifier = NamePart(subject, NID_dnQualifier);
    facts.subject_serial = NamePart(subject, NID_serialNumber);
    X509_NAME* issuer = X509_get_issuer_name(&certificate);
    facts.issuer_common_name = NamePart(issuer, NID_commonName);
    facts.issuer_organization = NamePart(issuer, NID_organizationName);
    facts.issuer_unit = NamePart(issuer, NID_organizationalUnitName);
    facts.issuer_country = NamePart(issuer, NID_countryName);
    facts.issuer_state = NamePart(issuer, NID_stateOrProvinceName);
    facts.is_authority = X509_check_ca(&certificate) == 1;
    return facts;
}

bool IsSignedBy(x509_st& certificate, x509_st& issuer) {
    bool names = X509_NAME_cmp(X509_get_issuer_name(&certificate), X509_get_subject_name(&issuer)) == 0;
    bool signature = names && X509_verify(&certificate, X509_get0_pubkey(&issuer)) == 1;
    ERR_clear_error();
    return signature;
}

bool HasAcceptableKey(evp_pkey_st& key) {
    if (EVP_PKEY_is_a(&key, "RSA")) return EVP_PKEY_get_bits(&key) >= 2048;
    if (!EVP_PKEY_is_a(&key, "EC")) return false;
    char group[64];
    size_t size = 0;
    if (EVP_PKEY_get_group_name(&key, group, sizeof group, &size) != 1) return false;
    std::string_view name(group, size);
    return name == "prime256v1" || name == "secp384r1" || name == "secp521r1";
}

}  // namespace wellhead::services::iot
