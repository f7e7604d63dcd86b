#include "storage/object_store/file/index_entry.h"

#include <cstring>

namespace wellhead::storage::file {

namespace {

constexpr char kInFile = 1;
constexpr char kInTable = 2;
constexpr char kTombstone = 3;
constexpr char kNamed = 0x10;  // a flag beside the kind
constexpr size_t kFixedBytes = 1 + 5 * 8;

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
    char kind = entry.tombstone ? kTombstone : entry.small ? kInTable : kInFile;
    if (metadata.named) kind |= kNamed;
    out += kind;
    AppendWord(out, metadata.generation);
    AppendWord(out, metadata.size_bytes);
    AppendWord(out, static_cast<uint64_t>(base::ToUnixUs(metadata.modified)));
    AppendWord(out, metadata.crc64nvme);
    AppendWord(out, metadata.version);
    out += metadata.attributes;
    return out;
}

base::Result<IndexEntry> DecodeIndexEntry(base::ByteView bytes) {
    const char kind = bytes.empty() ? '\0' : static_cast<char>(bytes[0] & ~kNamed);
    if (bytes.size() < kFixedBytes || kind < kInFile || kind > kTombstone) {
        return base::Fail(base::ErrorCode::kCorrupt, "an entry of the object index is not one of this version");
    }
    IndexEntry entry;
    entry.small = kind == kInTable;
    entry.tombstone = kind == kTombstone;
    ObjectMetadata& metadata = entry.metadata;
    metadata.named = (bytes[0] & kNamed) != 0;
    metadata.generation = WordAt(bytes, 1);
    metadata.size_bytes = WordAt(bytes, 9);
    metadata.modified = base::FromUnixUs(static_cast<int64_t>(WordAt(bytes, 17)));
    metadata.crc64nvme = WordAt(bytes, 25);
    metadata.version = WordAt(bytes, 33);
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

base::Bytes VersionRowPrefix(base::ByteView bucket, base::ByteView key_prefix) {
    base::Bytes out(bucket);
    out += '\0';
    for (char c : key_prefix) {
        out += c;
        if (c == '\0') out += '\xff';
    }
    return out;
}

base::Bytes VersionsOfKey(base::ByteView bucket, base::ByteView key) {
    return VersionRowPrefix(bucket, key) + base::Bytes(2, '\0');
}

base::Bytes VersionRowKey(base::ByteView bucket, base::ByteView key, uint64_t version) {
    return VersionsOfKey(bucket, key) + SmallRowKey(~version);
}

base::Bytes KeyOfVersionRow(base::ByteView row_key, size_t bucket_size) {
    base::ByteView escaped = row_key.substr(bucket_size + 1);
    escaped.remove_suffix(std::min<size_t>(escaped.size(), 2 + 8));
    base::Bytes key;
    for (size_t i = 0; i < escaped.size(); ++i) {
        key += escaped[i];
        if (escaped[i] == '\0') ++i;
    }
    return key;
}

}  // namespace wellhead::storage::file
