#include "services/cognito/passwords.h"

#include <fmt/format.h>

#include <algorithm>

#include "apis/cognito_idp/errors.h"

namespace wellhead::services::cognito {

namespace {

// Cognito's default: the policy of a pool that names none.
struct Demands {
    size_t length = 8;
    bool upper = true;
    bool lower = true;
    bool digits = true;
    bool symbols = true;
};

Demands DemandsOf(const Pool& pool) {
    const auto& policies = pool.description.Policies;
    if (!policies || !policies->PasswordPolicy) return {};
    const auto& policy = *policies->PasswordPolicy;
    return {static_cast<size_t>(policy.MinimumLength.value_or(8)), policy.RequireUppercase.value_or(false),
            policy.RequireLowercase.value_or(false), policy.RequireNumbers.value_or(false),
            policy.RequireSymbols.value_or(false)};
}

bool HasAny(std::string_view text, bool (*is)(unsigned char)) {
    return std::any_of(text.begin(), text.end(), [is](char c) { return is(static_cast<unsigned char>(c)); });
}
bool IsUpper(unsigned char c) { return c >= 'A' && c <= 'Z'; }
bool IsLower(unsigned char c) { return c >= 'a' && c <= 'z'; }
bool IsDigit(unsigned char c) { return c >= '0' && c <= '9'; }
// Cognito's list; a blank counts inside a password.
bool IsSymbol(unsigned char c) {
    return c != 0 && std::string_view("^$*.[]{}()?-\"!@#%&/\\,><':;|_~`+= ").find(static_cast<char>(c)) !=
                         std::string_view::npos;
}

size_t CodePoints(std::string_view text) {
    return static_cast<size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

// Without modulo bias worth speaking of: 64 random bits against at most 100.
size_t Below(env::Random& random, size_t limit) { return static_cast<size_t>(env::RandomUint64(random) % limit); }

}  // namespace

api::Outcome<void> CheckPasswordPolicy(const Pool& pool, std::string_view password) {
    auto refuse = [](std::string_view why) {
        return std::unexpected(
            idp::InvalidPasswordException(fmt::format("Password did not conform with policy: {}", why)));
    };
    Demands demands = DemandsOf(pool);
    if (CodePoints(password) < demands.length) return refuse("Password not long enough");
    if (password.size() > 1024 || CodePoints(password) > 256) return refuse("Password too long");
    if (password.starts_with(' ') || password.ends_with(' ')) {
        return refuse("Password must not begin or end with a blank");
    }
    if (demands.upper && !HasAny(password, IsUpper)) return refuse("Password must have uppercase characters");
    if (demands.lower && !HasAny(password, IsLower)) return refuse("Password must have lowercase characters");
    if (demands.digits && !HasAny(password, IsDigit)) return refuse("Password must have numeric characters");
    if (demands.symbols && !HasAny(password, IsSymbol)) return refuse("Password must have symbol characters");
    return {};
}

std::string GeneratePassword(env::Random& random, const Pool& pool) {
    constexpr std::string_view kUpper = "ABCDEFGHJKLMNPQRSTUVWXYZ";
    constexpr std::string_view kLower = "abcdefghijkmnpqrstuvwxyz";
    constexpr std::string_view kDigits = "23456789";
    constexpr std::string_view kSymbols = "-.!?";
    size_t length = std::max<size_t>(12, DemandsOf(pool).length);
    std::string password;
    for (std::string_view kind : {kUpper, kLower, kDigits, kSymbols}) password += kind[Below(random, kind.size())];
    std::string all = std::string(kUpper) + std::string(kLower) + std::string(kDigits);
    while (password.size() < length) password += all[Below(random, all.size())];
    for (size_t i = password.size() - 1; i > 0; --i) std::swap(password[i], password[Below(random, i + 1)]);
    return password;
}

std::string GenerateCode(env::Random& random) { return fmt::format("{:06}", Below(random, 1'000'000)); }

SrpVerifier MakeVerifier(env::Random& random, const Pool& pool, const std::string& username,
                         std::string_view password) {
    base::Bytes salt(16, '\0');
    random.Fill(std::span(reinterpret_cast<uint8_t*>(salt.data()), salt.size()));
    return MakeSrpVerifier({pool.short_name(), username}, password, salt);
}

}  // namespace wellhead::services::cognito
