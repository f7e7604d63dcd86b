#pragma once
// The authority that signs device and server certificates. Its key is made once and kept by whoever holds the PEMs.

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "env/random.h"
#include "services/iot/certificate.h"

namespace wellhead::services::iot {

struct IssuedCertificate {
    std::string certificate_pem;
    std::string private_key_pem;  // empty when the key is not ours
    std::string public_key_pem;
};

// Immutable, thread-safe. Its calls work with the processor only, but for long: on a pool.
class CertificateAuthority {
  public:
    // A new one: EC P-256, self-signed, valid for 40 years.
    static base::Result<CertificateAuthority> Make(env::Random& random, base::Instant now);
    static base::Result<CertificateAuthority> Load(std::string_view certificate_pem, std::string_view key_pem);

    const std::string& certificate_pem() const { return certificate_pem_; }
    const std::string& key_pem() const { return key_pem_; }
    const std::string& id() const { return id_; }

    // RSA 2048, as AWS makes them; takes about 100 ms. Valid until the end of 2049.
    base::Result<IssuedCertificate> IssueDeviceCertificate(env::Random& random, base::Instant now) const;
    // For the key of a signing request, whose own signature is checked. kInvalidArgument.
    base::Result<IssuedCertificate> IssueFromRequest(std::string_view request_pem, env::Random& random,
                                                     base::Instant now) const;
    // EC P-256, for TLS listeners. names are DNS names (also "*.x") and IP addresses.
    base::Result<IssuedCertificate> IssueServerCertificate(const std::vector<std::string>& names,
                                                           base::Duration lifetime, env::Random& random,
                                                           base::Instant now) const;

  private:
    struct Wanted;
    CertificateAuthority() = default;
    base::Result<std::string> Sign(const Wanted& wanted, env::Random& random) const;

    std::string certificate_pem_;
    std::string key_pem_;
    std::string id_;
    std::shared_ptr<x509_st> certificate_;
    std::shared_ptr<evp_pkey_st> key_;
};

}  // namespace wellhead::services::iot
