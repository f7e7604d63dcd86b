#include "storage/object_store/file/index_entry.h"

#include <cstring>

namespace wellhead::storage::file {

namespace {

constexpr char kInFile = 1;
constexpr char kInTable = 2;
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

base::Bytes EncodeIndexEntry(const IndexEntry& entry) {
    const ObjectMetadata& metadata = entry.metadata;
    base::Bytes out;
    out.reserve(kFixedBytes + metadata.attributes.size());
    out += entry.small ? kInTable : kInFile;
    AppendWord(out, metadata.generation);
    AppendWord(out, metadata.size_bytes);
    AppendWord(out, static_cast<uint64_t>(base::ToUnixUs(metadata.modified)));
    AppendWord(out, metadata.crc64nvme);
    out += metadata.attributes;
    return out;
}

base::Result<IndexEntry> DecodeIndexEntry(base::ByteView bytes) {
    if (bytes.size() < kFixedBytes || (bytes[0] != kInFile && bytes[0] != kInTable)) {
        return base::Fail(base::ErrorCode::kCorrupt, "an entry of the object index is not one of this version");
    }
    IndexEntry entry;
    entry.small = bytes[0] == kInTable;
    ObjectMetadata& metadata = entry.metadata;
    metadata.generation = WordAt(bytes, 1);
    metadata.size_bytes = WordAt(bytes, 9);
    metadata.modified = base::FromUnixUs(static_cast<int64_t>(WordAt(bytes, 17)));
    metadata.crc64nvme = WordAt(bytes, 25);
    metadata.attributes = base::Bytes(bytes.substr(kFixedBytes));
    return entry;
}

base::Bytes EncodeSmallRow(base::ByteView index_key, base::ByteView contents) {
    base::Bytes out;
    out.reserve(8 + index_key.size() + contents.size());
    AppendWord(out, index_key.size());
    out += index_key;
    out += contents;
    return out;
}

base::Result<SmallRow> DecodeSmallRow(base::ByteView bytes) {
    uint64_t key_size = bytes.size() < 8 ? UINT64_MAX : WordAt(bytes, 0);
    if (bytes.size() < 8 || key_size > bytes.size() - 8) {
        return base::Fail(base::ErrorCode::kCorrupt, "a row of a small object is too short");
    }
    return SmallRow{bytes.substr(8, key_size), bytes.substr(8 + key_size)};
}

base::Bytes SmallRowKey(uint64_t generation) {
    base::Bytes key;
    for (int shift = 56; shift >= 0; shift -= 8) key += static_cast<char>(generation >> shift);
    return key;
}

uint64_t GenerationOfRowKey(base::ByteView key) {
    uint64_t generation = 0;
    for (char c : key) generation = generation << 8 | static_cast<unsigned char>(c);
    return generation;
}

}  // namespace wellhead::storage::file
