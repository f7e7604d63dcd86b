#include "services/firehose/compression.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>
#include <snappy.h>
#include <zlib.h>

#include <algorithm>

#include "base/check.h"
#include "codec/crc.h"

namespace wellhead::services::firehose {
namespace {

using base::ErrorCode;
using base::Fail;

constexpr size_t kSnappyChunkBytes = 65536;          // framing format, 4.2
constexpr size_t kHadoopBlockBytes = 256 << 10;      // io.compression.codec.snappy.buffersize

base::Bytes Gzip(base::ByteView bytes) {
    z_stream stream{};
    CHECK(deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    base::Bytes out(deflateBound(&stream, bytes.size()), '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream.avail_in = static_cast<uInt>(bytes.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    CHECK(deflate(&stream, Z_FINISH) == Z_STREAM_END);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    return out;
}

la_ssize_t AppendTo(archive*, void* out, const void* data, size_t size) {
    static_cast<base::Bytes*>(out)->append(static_cast<const char*>(data), size);
    return static_cast<la_ssize_t>(size);
}

base::Bytes Zip(base::ByteView bytes, const std::string& name) {
    base::Bytes out;
    archive* writer = archive_write_new();
    CHECK(writer != nullptr && archive_write_set_format_zip(writer) == ARCHIVE_OK);
    archive_write_set_bytes_in_last_block(writer, 1);
    CHECK(archive_write_open(writer, &out, nullptr, AppendTo, nullptr) == ARCHIVE_OK);
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, name.c_str());
    archive_entry_set_size(entry, static_cast<la_int64_t>(bytes.size()));
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_mtime(entry, 315532800, 0);  // 1980: the same bytes at a second try
    CHECK(archive_write_header(writer, entry) == ARCHIVE_OK);
    CHECK(archive_write_data(writer, bytes.data(), bytes.size()) == static_cast<la_ssize_t>(bytes.size()));
    archive_entry_free(entry);
    CHECK(archive_write_close(writer) == ARCHIVE_OK);
    archive_write_free(writer);
    return out;
}

void AppendLittle(base::Bytes& out, uint32_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i));
}
void AppendBig(base::Bytes& out, uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift);
}

// https://github.com/google/snappy/blob/main/framing_format.txt
base::Bytes SnappyFramed(base::ByteView bytes) {
    base::Bytes out("\xff\x06\x00\x00sNaPpY", 10);
    std::string compressed;
    for (size_t at = 0; at < bytes.size(); at += kSnappyChunkBytes) {
        base::ByteView chunk = bytes.substr(at, kSnappyChunkBytes);
        const uint32_t crc = codec::Crc32c(chunk);
        const uint32_t masked = ((crc >> 15) | (crc << 17)) + 0xa282ead8;
        snappy::Compress(chunk.data(), chunk.size(), &compressed);
        out += '\0';
        AppendLittle(out, static_cast<uint32_t>(compressed.size() + 4), 3);
        AppendLittle(out, masked, 4);
        out += compressed;
    }
    return out;
}

base::Bytes SnappyHadoop(base::ByteView bytes) {
    base::Bytes out;
    std::string compressed;
    for (size_t at = 0; at < bytes.size(); at += kHadoopBlockBytes) {
        base::ByteView block = bytes.substr(at, kHadoopBlockBytes);
        snappy::Compress(block.data(), block.size(), &compressed);
        AppendBig(out, static_cast<uint32_t>(block.size()));
        AppendBig(out, static_cast<uint32_t>(compressed.size()));
        out += compressed;
    }
    return out;
}

}  // namespace

base::Result<Compression> CompressionOf(const std::string& name) {
    if (name == "UNCOMPRESSED") return Compression::kNone;
    if (name == "GZIP") return Compression::kGzip;
    if (name == "ZIP") return Compression::kZip;
    if (name == "Snappy") return Compression::kSnappy;
    if (name == "HADOOP_SNAPPY") return Compression::kHadoopSnappy;
    return Fail(ErrorCode::kInvalidArgument, fmt::format("CompressionFormat {} is not known.", name));
}

std::string ExtensionOf(Compression compression) {
    switch (compression) {
        case Compression::kNone: return "";
        case Compression::kGzip: return ".gz";
        case Compression::kZip: return ".zip";
        case Compression::kSnappy: return ".snappy";
        case Compression::kHadoopSnappy: return ".hsnappy";
    }
    return "";
}

base::Bytes Compress(Compression compression, base::ByteView bytes, const std::string& entry_name) {
    switch (compression) {
        case Compression::kNone: return base::Bytes(bytes);
        case Compression::kGzip: return Gzip(bytes);
        case Compression::kZip: return Zip(bytes, entry_name);
        case Compression::kSnappy: return SnappyFramed(bytes);
        case Compression::kHadoopSnappy: return SnappyHadoop(bytes);
    }
    return {};
}

base::Result<base::Bytes> Gunzip(base::ByteView bytes, size_t most) {
    base::Bytes out;
    z_stream stream{};
    CHECK(inflateInit2(&stream, 15 + 16) == Z_OK);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream.avail_in = static_cast<uInt>(bytes.size());
    base::Bytes piece(std::clamp<size_t>(bytes.size() * 4, 4096, 1 << 20), '\0');
    int status = Z_OK;
    bool whole = false;
    while (status == Z_OK || (status == Z_STREAM_END && stream.avail_in > 0)) {
        if (status == Z_STREAM_END) inflateReset(&stream);
        stream.next_out = reinterpret_cast<Bytef*>(piece.data());
        stream.avail_out = static_cast<uInt>(piece.size());
        status = inflate(&stream, Z_NO_FLUSH);
        out.append(piece.data(), piece.size() - stream.avail_out);
        whole = status == Z_STREAM_END;
        if (out.size() > most) break;
    }
    inflateEnd(&stream);
    if (out.size() > most) return Fail(ErrorCode::kLimit, fmt::format("more than {} bytes when unpacked", most));
    if (!whole) return Fail(ErrorCode::kInvalidArgument, "not whole gzip data");
    return out;
}

}  // namespace wellhead::services::firehose
