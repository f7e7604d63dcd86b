#pragma once
// Cross-origin rules of a bucket against a request of a browser (S3 user guide, "How Amazon S3 evaluates the CORS
// configuration on a bucket"): the first rule that fits decides.

#include <optional>
#include <string>
#include <vector>

#include "api/wire.h"
#include "apis/s3/types.h"

namespace wellhead::services::s3 {

struct CorsRequest {
    std::string origin;
    std::string method;
    std::vector<std::string> headers;  // lower-case; of a preflight
};

const apis::s3::CORSRule* FindCorsRule(const apis::s3::CORSConfiguration& cors, const CorsRequest& request);
// The headers that let the page see the answer.
void AddCorsHeaders(const apis::s3::CORSRule& rule, const CorsRequest& request, bool preflight,
                    api::WireHeaders& headers);
// "x-amz-date, content-type" in lower case.
std::vector<std::string> SplitHeaderNames(std::string_view text);

}  // namespace wellhead::services::s3
