#include "codec/base64.h"

#include <array>
#include <cstdint>

namespace wellhead::codec {

namespace {

constexpr std::string_view kStandard =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kUrl =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

constexpr std::array<int8_t, 256> Reverse(std::string_view alphabet) {
    std::array<int8_t, 256> table{};
    table.fill(-1);
    for (size_t i = 0; i < alphabet.size(); ++i) {
        table[static_cast<unsigned char>(alphabet[i])] = static_cast<int8_t>(i);
    }
    return table;
}
constexpr auto kStandardReverse = Reverse(kStandard);
constexpr auto kUrlReverse = Reverse(kUrl);

std::string Encode(base::ByteView in, std::string_view alphabet, bool pad) {
    std::string out;
    out.resize((in.size() + 2) / 3 * 4);
    char* to = out.data();
    size_t i = 0;
    auto byte = [&](size_t at) { return static_cast<uint32_t>(static_cast<unsigned char>(in[at])); };
    for (; i + 3 <= in.size(); i += 3) {
        uint32_t group = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
        *to++ = alphabet[group >> 18];
        *to++ = alphabet[group >> 12 & 63];
        *to++ = alphabet[group >> 6 & 63];
        *to++ = alphabet[group & 63];
    }
    size_t rest = in.size() - i;
    if (rest > 0) {
        uint32_t group = byte(i) << 16 | (rest == 2 ? byte(i + 1) << 8 : 0);
        *to++ = alphabet[group >> 18];
        *to++ = alphabet[group >> 12 & 63];
        if (rest == 2) *to++ = alphabet[group >> 6 & 63];
        if (pad) {
            for (size_t p = rest; p < 3; ++p) *to++ = '=';
        }
    }
    out.resize(static_cast<size_t>(to - out.data()));
    return out;
}

std::optional<base::Bytes> Decode(std::string_view text, const std::array<int8_t, 256>& reverse) {
    if (text.size() % 4 == 1) return std::nullopt;
    base::Bytes out;
    out.resize(text.size() / 4 * 3 + 2);
    char* to = out.data();
    uint32_t group = 0;
    int bits = 0;
    for (char c : text) {
        int8_t value = reverse[static_cast<unsigned char>(c)];
        if (value < 0) return std::nullopt;
        group = group << 6 | static_cast<uint32_t>(value);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            *to++ = static_cast<char>(group >> bits & 0xff);
        }
    }
    out.resize(static_cast<size_t>(to - out.data()));
    return out;
}

}  // namespace

std::string EncodeBase64(base::ByteView bytes) { return Encode(bytes, kStandard, true); }
std::string EncodeBase64Url(base::ByteView bytes) { return Encode(bytes, kUrl, false); }

std::optional<base::Bytes> DecodeBase64(std::string_view text) {
    if (text.size() % 4 != 0) return std::nullopt;
    if (text.ends_with("==")) {
        text.remove_suffix(2);
    } else if (text.ends_with('=')) {
        text.remove_suffix(1);
    }
    return Decode(text, kStandardReverse);
}
std::optional<base::Bytes> DecodeBase64Url(std::string_view text) {
    auto bytes = Decode(text, kUrlReverse);
    // One text for one value: the bits behind the last byte must be zero, or a signed token would have several forms.
    if (bytes && EncodeBase64Url(*bytes) != text) return std::nullopt;
    return bytes;
}

std::string EncodeHex(base::ByteView bytes) {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string out;
    out.reserve(bytes.size() * 2);
    for (char c : bytes) {
        auto byte = static_cast<unsigned char>(c);
        out.push_back(kDigits[byte >> 4]);
        out.push_back(kDigits[byte & 15]);
    }
    return out;
}

std::optional<base::Bytes> DecodeHex(std::string_view text) {
    if (text.size() % 2 != 0) return std::nullopt;
    auto digit = [](char c) {
        if (c >= '0' && c <= '9') return c - '0';
        if (c >= 'a' && c <= 'f') return c - 'a' + 10;
        if (c >= 'A' && c <= 'F') return c - 'A' + 10;
        return -1;
    };
    base::Bytes out;
    out.reserve(text.size() / 2);
    for (size_t i = 0; i < text.size(); i += 2) {
        int high = digit(text[i]);
        int low = digit(text[i + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        out.push_back(static_cast<char>(high << 4 | low));
    }
    return out;
}

}  // namespace wellhead::codec
