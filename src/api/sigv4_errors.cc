#include "api/sigv4_errors.h"

namespace wellhead::api {

namespace {

ServiceError S3Error(const SigV4Refusal& refusal) {
    switch (refusal.failure) {
        case SigV4Failure::kMissing: return {"AccessDenied", "Access Denied", 403, {}};
        case SigV4Failure::kUnsupported: return {"InvalidRequest", refusal.message, 400, {}};
        case SigV4Failure::kIncomplete:
            return {"AuthorizationHeaderMalformed", "The authorization header is malformed; " + refusal.message, 400, {}};
        case SigV4Failure::kBadQuery: return {"AuthorizationQueryParametersError", refusal.message, 400, {}};
        case SigV4Failure::kNotSigned: return {"AccessDenied", refusal.message, 403, {}};
        case SigV4Failure::kUnknownKey:
            return {"InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.", 403, {}};
        case SigV4Failure::kBadToken:
            return {"InvalidToken", "The provided token is malformed or otherwise invalid.", 400, {}};
        case SigV4Failure::kExpiredToken: return {"ExpiredToken", "The provided token has expired.", 400, {}};
        case SigV4Failure::kBadScopeRegion:
        case SigV4Failure::kBadScopeService:
        case SigV4Failure::kBadScopeDate:
            return {"AuthorizationHeaderMalformed", "The authorization header is malformed; " + refusal.message, 400, {}};
        case SigV4Failure::kSkewed:
            return {"RequestTimeTooSkewed",
                    "The difference between the request time and the current time is too large.", 403, {}};
        case SigV4Failure::kExpired: return {"AccessDenied", "Request has expired", 403, {}};
        case SigV4Failure::kMismatch: {
            ServiceError error{"SignatureDoesNotMatch",
                               "The request signature we calculated does not match the signature you provided. Check "
                               "your key and signing method.",
                               403,
                               {}};
            error.members["StringToSign"] = refusal.string_to_sign;
            error.members["CanonicalRequest"] = refusal.canonical_request;
            return error;
        }
        case SigV4Failure::kBadContentHash: return {"InvalidRequest", refusal.message, 400, {}};
    }
    return {"AccessDenied", refusal.message, 403, {}};
}

std::string MismatchText(const SigV4Refusal& refusal) {
    return refusal.message + "\n\nThe Canonical String for this request should have been\n'" +
           refusal.canonical_request + "'\n\nThe String-to-Sign should have been\n'" + refusal.string_to_sign + "'\n";
}

}  // namespace

ServiceError AuthError(const SigV4Refusal& refusal, AuthDialect dialect) {
    if (dialect == AuthDialect::kS3) return S3Error(refusal);
    bool query = dialect == AuthDialect::kQuery;
    int status = dialect == AuthDialect::kJson ? 400 : 403;
    switch (refusal.failure) {
        case SigV4Failure::kMissing:
            if (query) return {"MissingAuthenticationToken", "Request is missing Authentication Token", 403, {}};
            return {"MissingAuthenticationTokenException", "Missing Authentication Token", status, {}};
        case SigV4Failure::kUnsupported:
        case SigV4Failure::kIncomplete:
        case SigV4Failure::kBadQuery:
            return {query ? "IncompleteSignature" : "IncompleteSignatureException", refusal.message,
                    query ? 400 : status, {}};
        case SigV4Failure::kUnknownKey:
        case SigV4Failure::kBadToken:
            return {query ? "InvalidClientTokenId" : "UnrecognizedClientException",
                    "The security token included in the request is invalid.", status, {}};
        case SigV4Failure::kExpiredToken:
            return {query ? "ExpiredToken" : "ExpiredTokenException", refusal.message, status, {}};
        case SigV4Failure::kMismatch:
            return {query ? "SignatureDoesNotMatch" : "InvalidSignatureException", MismatchText(refusal), status, {}};
        case SigV4Failure::kNotSigned:
        case SigV4Failure::kBadScopeRegion:
        case SigV4Failure::kBadScopeService:
        case SigV4Failure::kBadScopeDate:
        case SigV4Failure::kSkewed:
        case SigV4Failure::kExpired:
        case SigV4Failure::kBadContentHash:
            return {query ? "SignatureDoesNotMatch" : "InvalidSignatureException", refusal.message, status, {}};
    }
    return {"AccessDeniedException", refusal.message, 403, {}};
}

}  // namespace wellhead::api
