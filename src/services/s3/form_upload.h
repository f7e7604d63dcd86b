#pragma once
// PostObject: an upload by a browser's form (Amazon S3 API reference, "POST Object").

#include "api/credentials.h"
#include "api/wire.h"
#include "services/s3/post_form.h"
#include "services/s3/post_policy.h"
#include "services/s3/s3_service.h"

namespace wellhead::services::s3 {

struct FormUpload {
    S3Service& service;
    const api::CredentialStore& keys;
    env::Clock& clock;

    // The answer to the browser: 204, or what success_action_* asks for.
    Task<Outcome<api::WireResponse>> Run(CallContext context, std::string bucket, api::StreamBody body,
                                         std::string boundary);

  private:
    Task<Outcome<SizeLimits>> Admit(CallContext& context, const PostForm& form, std::string bucket, std::string key);
};

}  // namespace wellhead::services::s3
