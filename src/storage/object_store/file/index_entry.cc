#include "storage/object_store/file/index_entry.h"

#include <cstring>

namespace wellhead::storage::file {

namespace {

constexpr char kFormat = 1;
constexpr size_t kFixedBytes = 1 + 4 * 8;

void AppendWord(base::Bytes& out, uint64_t word) {
    for (int shift = 0; shift < 64; shift += 8) out += static_cast<char>(word >> shift);
}
uint64_t WordAt(base::ByteView bytes, size_t at) {
    uint64_t word = 0;
    for (size_t i = 0; i < 8; ++i) word |= uint64_t{static_cast<unsigned char>(bytes[at + i])} << (8 * i);
    return word;
}

}  // namespace

base::Bytes EncodeIndexEntry(const ObjectMetadata& metadata) {
    base::Bytes out;
    out.reserve(kFixedBytes + metadata.attributes.size());
    out += kFormat;
    AppendWord(out, metadata.generation);
    AppendWord(out, metadata.size_bytes);
    AppendWord(out, static_cast<uint64_t>(base::ToUnixUs(metadata.modified)));
    AppendWord(out, metadata.crc64nvme);
    out += metadata.attributes;
    return out;
}

base::Result<ObjectMetadata> DecodeIndexEntry(base::ByteView bytes) {
    if (bytes.size() < kFixedBytes || bytes[0] != kFormat) {
        return base::Fail(base::ErrorCode::kCorrupt, "an entry of the object index is not one of this version");
    }
    ObjectMetadata metadata;
    metadata.generation = WordAt(bytes, 1);
    metadata.size_bytes = WordAt(bytes, 9);
    metadata.modified = base::FromUnixUs(static_cast<int64_t>(WordAt(bytes, 17)));
    metadata.crc64nvme = WordAt(bytes, 25);
    metadata.attributes = base::Bytes(bytes.substr(kFixedBytes));
    return metadata;
}

}  // namespace wellhead::storage::file
