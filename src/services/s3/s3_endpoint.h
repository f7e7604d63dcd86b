#pragma once
// S3 as the gateway sees it: around the operations of the model what is none of them (forms of browsers, preflights), and
// who may call what.

#include <memory>

#include "api/credentials.h"
#include "api/wire.h"
#include "services/s3/s3_service.h"

namespace wellhead::services::s3 {

// operations: the generated service over service. All outlive the endpoint. Requests without a signature reach it with a
// caller that is not authenticated; it lets pass what the bucket lets everybody do.
std::unique_ptr<api::Service> MakeEndpoint(S3Service& service, std::unique_ptr<api::Service> operations,
                                           const api::CredentialStore& keys, env::Clock& clock);

}  // namespace wellhead::services::s3
