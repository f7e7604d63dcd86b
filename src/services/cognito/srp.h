#pragma once
// The password proof of Cognito's clients: SRP-6a (RFC 5054's scheme with the 3072-bit group of RFC 3526), with
// Cognito's own padding, key derivation and proof. The store keeps salt and verifier: enough to check a password or a
// proof, not enough to sign in with.

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace wellhead::services::cognito {

struct SrpVerifier {
    std::string salt;      // hexadecimal
    std::string verifier;  // hexadecimal, g^x mod N
};

// What x = H(salt | H(pool_name user_id ":" password)) is made of. pool_name is the part of the pool's id behind '_'.
struct SrpIdentity {
    std::string_view pool_name;
    std::string_view user_id;
};

// All functions are pure and take 1 to 5 ms of a core.

// salt: 16 random bytes.
SrpVerifier MakeSrpVerifier(SrpIdentity identity, std::string_view password, base::ByteView salt);
bool PasswordMatches(const SrpVerifier& stored, SrpIdentity identity, std::string_view password);

// B = k v + g^b. secret: 32 random bytes b.
std::string SrpPublicValue(const SrpVerifier& stored, base::ByteView secret);

// True when client_public (SRP_A, hexadecimal) is a number in 1..N-1.
bool IsSrpPublicValue(std::string_view client_public);

// HMAC-SHA256 of message under the key that only a client who knows the password shares with us:
// HKDF(salt u, secret S, "Caldera Derived Key"), 16 bytes. Nothing when client_public is not a public value.
std::optional<base::Bytes> ExpectedSrpProof(const SrpVerifier& stored, std::string_view client_public,
                                            std::string_view server_public, base::ByteView secret,
                                            base::ByteView message);

}  // namespace wellhead::services::cognito
