#pragma once
// A service as the gateway sees it: bytes in, bytes out. The generated code makes one from an Api
// (MakeService(KinesisApi&)); the remote client turns the same forms around.

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "api/service.h"
#include "api/shape.h"

namespace wellhead::api {

using WireHeaders = std::vector<std::pair<std::string, std::string>>;  // names lower-case

// A request whose signature was already verified and whose aws-chunked framing was already taken off.
struct WireRequest {
    std::string method;
    std::string path;   // raw, as on the wire: percent-encoded
    std::string query;  // raw, without '?'
    WireHeaders headers;
    StreamBody body;  // never null; an error from it (bad checksum, broken signature) fails the call
};

struct WireResponse {
    int status = 200;
    WireHeaders headers;
    std::variant<base::Bytes, StreamBody> body;
};

// One generated API bound to an implementation. Thread-safe; the Api outlives it.
class Service {
  public:
    virtual ~Service() = default;
    virtual std::string_view signing_name() const = 0;   // the credential scope: "kinesis", "iotdata"
    virtual std::string_view target_prefix() const = 0;  // of X-Amz-Target: "Kinesis_20131202"; empty for REST
    virtual Protocol protocol() const = 0;
    // The operation the request names; empty when this service has none for it.
    virtual std::string_view OperationOf(const WireRequest& request) const = 0;
    // The operation is one that clients send unsigned (authtype none in the model).
    virtual bool AllowsUnsigned(std::string_view operation) const = 0;
    // Parses, validates, calls, serializes. Every failure is a response in the request's own protocol.
    virtual env::Task<WireResponse> Call(CallContext context, WireRequest request) = 0;
    // For callers inside the program, by name: input and output are JSON of the members' names in the model (blobs in
    // base64, times in seconds). The same checks as Call; operations with a streaming body are refused.
    virtual env::Task<Outcome<boost::json::value>> Invoke(CallContext context, std::string operation,
                                                          boost::json::object input);
    // The error as this service's clients expect it, for refusals before Call (authentication, size, routing).
    virtual WireResponse Refuse(const WireRequest& request, const std::string& request_id,
                                const ServiceError& error) const = 0;
};

// How a remote client sends: signs and carries the request to an endpoint. kUnavailable, kTimeout.
class Transport {
  public:
    virtual ~Transport() = default;
    virtual env::Task<base::Result<WireResponse>> Send(std::string_view signing_name,
                                                       WireRequest request) = 0;
};

}  // namespace wellhead::api
