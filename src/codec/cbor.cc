#include "codec/cbor.h"

#include <bit>
#include <cmath>

namespace wellhead::codec {

namespace {

using base::Result;

std::unexpected<base::Error> Bad(const char* what) {
    return base::Fail(base::ErrorCode::kInvalidArgument, std::string("CBOR: ") + what);
}

// RFC 8949 appendix D.
double HalfToDouble(uint16_t half) {
    int exponent = half >> 10 & 0x1f;
    double mantissa = half & 0x3ff;
    double value = 0;
    if (exponent == 0) {
        value = std::ldexp(mantissa, -24);
    } else if (exponent != 31) {
        value = std::ldexp(mantissa + 1024, exponent - 25);
    } else {
        value = mantissa == 0 ? HUGE_VAL : std::nan("");
    }
    return (half & 0x8000) != 0 ? -value : value;
}

void AppendNumber(uint64_t value, int bytes, std::string& out) {
    for (int i = bytes - 1; i >= 0; --i) out.push_back(static_cast<char>(value >> (8 * i) & 0xff));
}

}  // namespace

Result<uint64_t> CborReader::ReadNumber(size_t size) {
    if (rest_.size() < size) return Bad("it ends early");
    uint64_t value = 0;
    for (size_t i = 0; i < size; ++i) value = value << 8 | static_cast<uint8_t>(rest_[i]);
    rest_.remove_prefix(size);
    return value;
}

Result<CborHead> CborReader::ReadHead() {
    ASSIGN_OR_RETURN(uint64_t first, ReadNumber(1));
    CborHead head;
    head.major = static_cast<CborMajor>(first >> 5);
    uint64_t info = first & 0x1f;
    head.value = info;
    if (info >= 24 && info <= 27) {
        ASSIGN_OR_RETURN(head.value, ReadNumber(size_t{1} << (info - 24)));
    } else if (info == 31) {
        bool may = head.major >= CborMajor::kBytes && head.major != CborMajor::kTag;
        if (!may) return Bad("bad additional information");
        head.indefinite = true;
        head.value = 0;
    } else if (info > 27) {
        return Bad("bad additional information");
    }
    if (head.major == CborMajor::kSimple && info >= 25 && info <= 27) {
        head.is_float = true;
        if (info == 25) head.real = HalfToDouble(static_cast<uint16_t>(head.value));
        if (info == 26) head.real = std::bit_cast<float>(static_cast<uint32_t>(head.value));
        if (info == 27) head.real = std::bit_cast<double>(head.value);
    }
    return head;
}

Result<base::Bytes> CborReader::ReadString(const CborHead& head) {
    if (!head.indefinite) {
        if (head.value > rest_.size()) return Bad("a string is longer than the input");
        base::Bytes bytes(rest_.substr(0, static_cast<size_t>(head.value)));
        rest_.remove_prefix(bytes.size());
        return bytes;
    }
    base::Bytes all;
    for (;;) {
        ASSIGN_OR_RETURN(CborHead piece, ReadHead());
        if (piece.IsBreak()) return all;
        if (piece.major != head.major || piece.indefinite) return Bad("bad piece of a string");
        ASSIGN_OR_RETURN(base::Bytes bytes, ReadString(piece));
        all += bytes;
    }
}

Result<bool> CborReader::HasNext(const CborHead& head, uint64_t done) {
    if (!head.indefinite) return done < head.value;
    if (rest_.empty()) return Bad("it ends early");
    if (static_cast<uint8_t>(rest_.front()) != 0xff) return true;
    rest_.remove_prefix(1);
    return false;
}

Result<void> CborReader::Skip(const CborHead& head, int depth) {
    if (depth > kMaxDepth) return Bad("nested too deeply");
    switch (head.major) {
        case CborMajor::kUnsigned:
        case CborMajor::kNegative: return {};
        case CborMajor::kSimple: return head.IsBreak() ? Result<void>(Bad("a break without a beginning")) : Result<void>();
        case CborMajor::kBytes:
        case CborMajor::kText: {
            ASSIGN_OR_RETURN(base::Bytes ignored, ReadString(head));
            return {};
        }
        case CborMajor::kTag: {
            ASSIGN_OR_RETURN(CborHead tagged, ReadHead());
            return Skip(tagged, depth + 1);
        }
        case CborMajor::kArray:
        case CborMajor::kMap: {
            for (uint64_t done = 0;; ++done) {
                ASSIGN_OR_RETURN(bool more, HasNext(head, done));
                if (!more) return {};
                for (int i = head.major == CborMajor::kMap ? 0 : 1; i < 2; ++i) {
                    ASSIGN_OR_RETURN(CborHead item, ReadHead());
                    RETURN_IF_ERROR(Skip(item, depth + 1));
                }
            }
        }
    }
    return Bad("unknown item");
}

void AppendCborHead(CborMajor major, uint64_t value, std::string& out) {
    auto first = static_cast<uint8_t>(static_cast<uint8_t>(major) << 5);
    if (value < 24) {
        out.push_back(static_cast<char>(first | value));
    } else if (value <= 0xff) {
        out.push_back(static_cast<char>(first | 24));
        AppendNumber(value, 1, out);
    } else if (value <= 0xffff) {
        out.push_back(static_cast<char>(first | 25));
        AppendNumber(value, 2, out);
    } else if (value <= 0xffffffff) {
        out.push_back(static_cast<char>(first | 26));
        AppendNumber(value, 4, out);
    } else {
        out.push_back(static_cast<char>(first | 27));
        AppendNumber(value, 8, out);
    }
}

void AppendCborInteger(int64_t value, std::string& out) {
    if (value >= 0) {
        AppendCborHead(CborMajor::kUnsigned, static_cast<uint64_t>(value), out);
    } else {
        AppendCborHead(CborMajor::kNegative, static_cast<uint64_t>(-1 - value), out);
    }
}

void AppendCborText(std::string_view text, std::string& out) {
    AppendCborHead(CborMajor::kText, text.size(), out);
    out.append(text);
}

void AppendCborBytes(base::ByteView bytes, std::string& out) {
    AppendCborHead(CborMajor::kBytes, bytes.size(), out);
    out.append(bytes);
}

void AppendCborBool(bool value, std::string& out) { out.push_back(static_cast<char>(value ? 0xf5 : 0xf4)); }

void AppendCborDouble(double value, std::string& out) {
    out.push_back(static_cast<char>(0xfb));
    AppendNumber(std::bit_cast<uint64_t>(value), 8, out);
}

}  // namespace wellhead::codec
