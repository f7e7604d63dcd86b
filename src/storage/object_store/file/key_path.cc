#include "storage/object_store/file/key_path.h"

#include <fmt/format.h>

namespace wellhead::storage::file {

namespace {

// Names are at most 255 bytes; "~" and 16 digits follow in the last one, "~" in one that goes on.
constexpr size_t kLongestPiece = 200;
constexpr std::string_view kPlain =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=+,@:.";

void AppendEscape(std::string& out, char c) {
    out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
}

// A segment is what stands between slashes.
std::string EncodeSegment(base::ByteView segment) {
    if (segment.empty()) return "%";
    std::string out;
    out.reserve(segment.size());
    for (size_t i = 0; i < segment.size(); ++i) {
        bool plain = kPlain.find(segment[i]) != std::string_view::npos && !(i == 0 && segment[i] == '.');
        if (plain) {
            out += segment[i];
        } else {
            AppendEscape(out, segment[i]);
        }
    }
    return out;
}

int HexDigit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

std::optional<base::Bytes> DecodeSegment(base::ByteView encoded) {
    if (encoded == "%") return base::Bytes();
    base::Bytes out;
    for (size_t i = 0; i < encoded.size(); ++i) {
        if (encoded[i] != '%') {
            out += encoded[i];
            continue;
        }
        if (i + 2 >= encoded.size()) return std::nullopt;
        int high = HexDigit(encoded[i + 1]);
        int low = HexDigit(encoded[i + 2]);
        if (high < 0 || low < 0) return std::nullopt;
        out += static_cast<char>(high * 16 + low);
        i += 2;
    }
    return out;
}

// An encoded segment that is too long for one name is cut; a piece that goes on ends with "~".
void AppendPieces(std::string& path, base::ByteView encoded) {
    while (encoded.size() > kLongestPiece) {
        path += encoded.substr(0, kLongestPiece);
        path += "~/";
        encoded.remove_prefix(kLongestPiece);
    }
    path += encoded;
}

}  // namespace

std::string PathOfObject(base::ByteView key, uint64_t generation) {
    std::string path;
    size_t name = 0;  // where the last piece begins
    for (;;) {
        size_t slash = key.find('/');
        AppendPieces(path, EncodeSegment(key.substr(0, slash)));
        if (slash == base::ByteView::npos) break;
        path += '/';
        key.remove_prefix(slash + 1);
    }
    size_t last_slash = path.rfind('/');
    if (last_slash != std::string::npos) name = last_slash + 1;
    // Before the extension, which engines go by.
    size_t dot = path.find('.', name);
    if (dot == std::string::npos) dot = path.size();
    path.insert(dot, fmt::format("~{:x}", generation));
    return path;
}

std::optional<ObjectName> ObjectOfPath(base::ByteView path) {
    const base::ByteView whole = path;
    ObjectName name;
    std::string encoded;
    for (;;) {
        size_t slash = path.find('/');
        if (slash == base::ByteView::npos) break;
        base::ByteView piece = path.substr(0, slash);
        path.remove_prefix(slash + 1);
        bool goes_on = piece.ends_with('~');
        if (goes_on) piece.remove_suffix(1);
        encoded += piece;
        if (goes_on) continue;
        auto segment = DecodeSegment(encoded);
        if (!segment) return std::nullopt;
        name.key += *segment + "/";
        encoded.clear();
    }
    size_t mark = path.find('~');
    if (mark == base::ByteView::npos) return std::nullopt;
    encoded += path.substr(0, mark);
    path.remove_prefix(mark + 1);
    size_t digits = std::min(path.find('.'), path.size());
    if (digits == 0 || digits > 16) return std::nullopt;
    for (char c : path.substr(0, digits)) {
        int digit = (c >= 'a' && c <= 'f') ? c - 'a' + 10 : (c >= '0' && c <= '9') ? c - '0' : -1;
        if (digit < 0) return std::nullopt;
        name.generation = name.generation * 16 + static_cast<uint64_t>(digit);
    }
    encoded += path.substr(digits);
    auto segment = DecodeSegment(encoded);
    if (!segment) return std::nullopt;
    name.key += *segment;
    // Only the one spelling that is ever written: what else decodes to it is not ours.
    if (PathOfObject(name.key, name.generation) != whole) return std::nullopt;
    return name;
}

std::string DirectoryOfBucket(base::ByteView name) {
    std::string out;
    for (char c : name) {
        bool plain = kPlain.find(c) != std::string_view::npos && !(out.empty() && c == '.');
        if (plain) {
            out += c;
        } else {
            AppendEscape(out, c);
        }
    }
    return out;
}

}  // namespace wellhead::storage::file
