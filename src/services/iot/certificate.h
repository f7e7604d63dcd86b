#pragma once
// X.509 certificates as this service looks at them: identity, validity, and who signed whom.

#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"

struct x509_st;
struct evp_pkey_st;

namespace wellhead::services::iot {

struct FreeX509 {
    void operator()(x509_st* certificate) const;
};
struct FreeKey {
    void operator()(evp_pkey_st* key) const;
};
using X509Pointer = std::unique_ptr<x509_st, FreeX509>;
using KeyPointer = std::unique_ptr<evp_pkey_st, FreeKey>;

// The first certificate of a PEM text. kInvalidArgument.
base::Result<X509Pointer> CertificateFromPem(std::string_view pem);
base::Result<X509Pointer> CertificateFromDer(base::ByteView der);
base::Result<KeyPointer> PrivateKeyFromPem(std::string_view pem);

std::string ToPem(x509_st& certificate);
base::Bytes ToDer(x509_st& certificate);
std::string PrivateKeyToPem(evp_pkey_st& key);
std::string PublicKeyToPem(evp_pkey_st& key);

// SHA-256 of the DER form in hexadecimal: AWS's certificate id.
std::string CertificateId(base::ByteView der);

struct CertificateFacts {
    std::string id;
    base::Instant not_before;
    base::Instant not_after;
    std::string serial;  // hexadecimal, upper-case
    std::string subject_common_name, subject_organization, subject_unit, subject_country, subject_state,
        subject_qualifier, subject_serial;
    std::string issuer_common_name, issuer_organization, issuer_unit, issuer_country, issuer_state;
    bool is_authority = false;
};
CertificateFacts FactsOf(x509_st& certificate);

// issuer's key made certificate's signature, and the names agree.
bool IsSignedBy(x509_st& certificate, x509_st& issuer);
// RSA of 2048 bits or more, or EC on P-256, P-384 or P-521.
bool HasAcceptableKey(evp_pkey_st& key);

// "description: the library's reason".
base::Error CryptoError(std::string_view description);

}  // namespace wellhead::services::iot
