#pragma once
// Passwords and short codes: what a pool's policy demands, and new random ones.

#include <string>
#include <string_view>

#include "api/service.h"
#include "env/random.h"
#include "services/cognito/records.h"

namespace wellhead::services::cognito {

// InvalidPasswordException in Cognito's words. At most 256 characters, and no blanks at either end.
api::Outcome<void> CheckPasswordPolicy(const Pool& pool, std::string_view password);

// Random, at least 12 characters, with each kind that a policy may demand; without characters that look alike.
std::string GeneratePassword(env::Random& random, const Pool& pool);

// Six random digits.
std::string GenerateCode(env::Random& random);

SrpVerifier MakeVerifier(env::Random& random, const Pool& pool, const std::string& username, std::string_view password);

}  // namespace wellhead::services::cognito
