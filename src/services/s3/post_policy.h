#pragma once
// The policy of a form upload (Amazon S3 API reference, "Creating a POST policy"): who signed it, and whether the form
// keeps to it.

#include <map>
#include <string>

#include "api/credentials.h"
#include "api/service.h"
#include "base/time.h"

namespace wellhead::services::s3 {

using FormFields = std::map<std::string, std::string>;  // names lower-case

// Whose signature is on the form's policy. InvalidAccessKeyId, SignatureDoesNotMatch, InvalidArgument.
api::Outcome<api::Identity> VerifyForm(const FormFields& fields, const api::CredentialStore& keys,
                                       std::string_view region, base::Instant now);

struct SizeLimits {
    uint64_t least = 0;
    uint64_t most = UINT64_MAX;
};
// The form against the conditions of its policy (base64). key: after ${filename} was put in. AccessDenied,
// InvalidPolicyDocument. What the policy says of the file's size.
api::Outcome<SizeLimits> CheckForm(const FormFields& fields, const std::string& bucket, const std::string& key,
                                   base::Instant now);

}  // namespace wellhead::services::s3
