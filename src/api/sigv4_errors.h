#pragma once
// How a service's clients expect a signature to be refused: codes, texts and statuses differ by family of protocols.

#include "api/service.h"
#include "api/sigv4.h"

namespace wellhead::api {

enum class AuthDialect {
    kJson,   // awsJson: 400
    kRest,   // restJson: 403
    kQuery,  // STS, IAM
    kS3,
};

ServiceError AuthError(const SigV4Refusal& refusal, AuthDialect dialect);

}  // namespace wellhead::api
