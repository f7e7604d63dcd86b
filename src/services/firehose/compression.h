#pragma once
// The compression formats of delivered objects, and the one of records that come compressed.

#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace wellhead::services::firehose {

enum class Compression { kNone, kGzip, kZip, kSnappy, kHadoopSnappy };

// CompressionFormat's values; kInvalidArgument for others.
base::Result<Compression> CompressionOf(const std::string& name);
// ".gz", ".zip", ".snappy", ".hsnappy", or nothing.
std::string ExtensionOf(Compression compression);

// Blocking. The same bytes each time. Snappy: its framing format; Hadoop: blocks with their lengths (big-endian) before
// them, as org.apache.hadoop.io.compress.SnappyCodec reads; zip: one entry of this name.
base::Bytes Compress(Compression compression, base::ByteView bytes, const std::string& entry_name);

// Gzip members, one or several. kInvalidArgument: not gzip; kLimit: more than most bytes.
base::Result<base::Bytes> Gunzip(base::ByteView bytes, size_t most);

}  // namespace wellhead::services::firehose
