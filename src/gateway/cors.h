#pragma once
// Cross-origin requests of browsers (Fetch standard): allowed from everywhere, as AWS does; a signature or a token is what
// protects, no cookie is used.

#include "net/http.h"

namespace wellhead::gateway {

bool IsPreflight(const net::HttpRequest& request);
net::HttpResponse AnswerPreflight(const net::HttpRequest& request);
// For the answer to a request with an Origin, where the handler said nothing of its own.
void AddCorsHeaders(net::HttpResponse& response);

}  // namespace wellhead::gateway
