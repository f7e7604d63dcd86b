#pragma once
// Values of generated structs from CBOR and to it, as application/x-amz-cbor-1.1 has them: what Java's Kinesis client
// speaks. Blobs are byte strings, times tag 1 with whole milliseconds.

#include <string>
#include <vector>

#include "api/service.h"
#include "api/shape.h"
#include "base/bytes.h"
#include "base/result.h"

namespace wellhead::api {

// Fills value from a map that is all of bytes. As ReadJsonMembers.
base::Result<void> ReadCborMembers(base::ByteView bytes, const Structure& structure, void* value,
                                   std::vector<std::string>& missing);
void WriteCborMembers(const Structure& structure, const void* value, std::string& out);
// {"__type": code, "message": ...} and the error's members.
std::string CborErrorBody(const ServiceError& error, std::string_view message_member);

}  // namespace wellhead::api
