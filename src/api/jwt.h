#pragma once
// JSON Web Tokens (RFC 7519) signed with RS256 (RFC 7518, 3.3), and the key sets that go with them (RFC 7517). A
// token's algorithm is fixed by its key, never by the token.

#include <boost/json/object.hpp>
#include <map>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"

namespace wellhead::api {

// A 2048-bit RSA key pair. Immutable, thread-safe.
class JwtSigningKey {
  public:
    // Takes about 100 ms of one core: call it on a blocking pool.
    static std::shared_ptr<const JwtSigningKey> Generate();
    // kInvalidArgument when it is no RSA private key in PEM of at least 2048 bits.
    static base::Result<std::shared_ptr<const JwtSigningKey>> FromPem(base::ByteView pem);

    virtual ~JwtSigningKey() = default;
    // PKCS #8, unencrypted: it goes where secrets are kept.
    virtual std::string ToPem() const = 0;
    // The key id: the RFC 7638 thumbprint of the public key.
    virtual const std::string& kid() const = 0;
    // {"alg":"RS256","e":..,"kid":..,"kty":"RSA","n":..,"use":"sig"}
    virtual boost::json::object PublicJwk() const = 0;
    // The compact form: header.claims.signature.
    virtual std::string Sign(const boost::json::object& claims) const = 0;
};

// What a token must say beside its signature. An empty string means: not checked.
struct JwtExpectation {
    std::string issuer;
    std::string token_use;  // "id", "access"
    std::string client_id;  // equals `aud` (id) or `client_id` (access)
    base::Instant now;
};

// The public keys of one issuer. Immutable once made; thread-safe.
class JwtKeySet {
  public:
    // From a JWKS document. Keys of another kind or under 2048 bits are passed over; kInvalidArgument when none is left.
    static base::Result<JwtKeySet> FromJwks(base::ByteView document);

    // The claims, when the signature holds and every expectation is met. kPermission with a reason that tells nothing
    // of the token's contents. Tokens of more than 16 KiB are refused unread.
    base::Result<boost::json::object> Verify(std::string_view token, const JwtExpectation& expected) const;

  private:
    struct PublicKey;
    std::map<std::string, std::shared_ptr<const PublicKey>, std::less<>> keys_;
};

}  // namespace wellhead::api
