#include "api/credentials.h"

#include <fmt/format.h>

#include <optional>

#include "api/sha256.h"
#include "codec/base64.h"

namespace wellhead::api {

namespace {

constexpr std::string_view kSessionPrefix = "ASIA";
constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
constexpr size_t kIdBytes = 10;  // four of the end, six of the seed: sixteen characters of five bits

std::string EncodeId(const std::array<uint8_t, kIdBytes>& bytes) {
    std::string id(kSessionPrefix);
    uint32_t bits = 0;
    int count = 0;
    for (uint8_t byte : bytes) {
        bits = bits << 8 | byte;
        for (count += 8; count >= 5; count -= 5) id.push_back(kAlphabet[bits >> (count - 5) & 31]);
    }
    return id;
}

// When the key of this id ends; nothing when it is no session key's id.
std::optional<base::Instant> ExpiryOfId(std::string_view id) {
    if (!id.starts_with(kSessionPrefix) || id.size() != kSessionPrefix.size() + 16) return std::nullopt;
    uint64_t bits = 0;
    for (char c : id.substr(kSessionPrefix.size(), 7)) {
        size_t digit = kAlphabet.find(c);
        if (digit == kAlphabet.npos) return std::nullopt;
        bits = bits << 5 | digit;
    }
    return base::Instant(std::chrono::seconds(bits >> 3 & 0xffffffff));
}

SessionKey Derive(std::string_view root_secret, std::string id, base::Instant expiry) {
    auto of = [&](std::string_view purpose) {
        return HmacSha256(root_secret, fmt::format("wellhead session {} {}", purpose, id));
    };
    SessionKey key;
    key.secret = codec::EncodeBase64(AsBytes(of("secret")).substr(0, 30));
    key.session_token = codec::EncodeBase64(AsBytes(of("token")));
    key.access_key_id = std::move(id);
    key.expiry = expiry;
    return key;
}

class RootCredentials final : public CredentialStore {
  public:
    explicit RootCredentials(std::shared_ptr<const AccessKey> key) : key_(std::move(key)) {}
    std::shared_ptr<const AccessKey> Find(std::string_view access_key_id) const override {
        if (access_key_id == key_->identity.access_key_id) return key_;
        auto expiry = ExpiryOfId(access_key_id);
        if (!expiry) return nullptr;
        SessionKey session = Derive(key_->secret, std::string(access_key_id), *expiry);
        auto key = std::make_shared<AccessKey>(*key_);
        key->secret = std::move(session.secret);
        key->session_token = std::move(session.session_token);
        key->expiry = *expiry;
        key->identity.access_key_id = std::move(session.access_key_id);
        return key;
    }

  private:
    const std::shared_ptr<const AccessKey> key_;
};

}  // namespace

SessionKey MakeSessionKey(std::string_view root_secret, base::Instant expiry, const SessionSeed& seed) {
    auto seconds = std::chrono::floor<std::chrono::seconds>(expiry.time_since_epoch());
    std::array<uint8_t, kIdBytes> bytes{};
    for (size_t i = 0; i < 4; ++i) bytes[i] = static_cast<uint8_t>(seconds.count() >> (24 - 8 * i));
    std::copy(seed.begin(), seed.end(), bytes.begin() + 4);
    return Derive(root_secret, EncodeId(bytes), base::Instant(seconds));
}

std::unique_ptr<CredentialStore> MakeRootCredentials(std::string access_key_id, std::string secret,
                                                     const std::string& account_id) {
    auto key = std::make_shared<AccessKey>();
    key->secret = std::move(secret);
    key->identity.account_id = account_id;
    key->identity.arn = "arn:aws:iam::" + account_id + ":root";
    key->identity.access_key_id = std::move(access_key_id);
    key->identity.authenticated = true;
    key->identity.root = true;
    return std::make_unique<RootCredentials>(std::move(key));
}

}  // namespace wellhead::api
