#include "services/kinesis/hash_key.h"

#include <openssl/evp.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <vector>

#include "base/check.h"

namespace wellhead::services::kinesis {

namespace {

HashKey Md5Of(std::string_view text) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    // Looking an algorithm up and making a context cost more than hashing a key.
    static const EVP_MD* md5 = EVP_MD_fetch(nullptr, "MD5", nullptr);
    thread_local const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    CHECK(EVP_DigestInit_ex2(context.get(), md5, nullptr) == 1 &&
          EVP_DigestUpdate(context.get(), text.data(), text.size()) == 1 &&
          EVP_DigestFinal_ex(context.get(), digest, &size) == 1 && size == 16);
    HashKey key = 0;
    for (unsigned i = 0; i < size; ++i) key = key << 8 | digest[i];
    return key;
}

// The same devices write again and again: what a key hashes to is remembered, where it is short.
struct KnownKey {
    static constexpr size_t kMaxBytes = 39;
    char text[kMaxBytes];
    unsigned char size;  // 0: nothing is here yet
    HashKey hash;
};
constexpr size_t kKnownKeys = 2048;

}  // namespace

HashKey HashOf(std::string_view partition_key) {
    if (partition_key.empty() || partition_key.size() > KnownKey::kMaxBytes) return Md5Of(partition_key);
    thread_local std::vector<KnownKey> known(kKnownKeys);
    KnownKey& place = known[std::hash<std::string_view>()(partition_key) % kKnownKeys];
    if (std::string_view(place.text, place.size) != partition_key) {
        place.hash = Md5Of(partition_key);
        place.size = static_cast<unsigned char>(partition_key.copy(place.text, KnownKey::kMaxBytes));
    }
    return place.hash;
}

std::string FormatHashKey(HashKey key) {
    std::string digits;
    do {
        digits.push_back(static_cast<char>('0' + static_cast<int>(key % 10)));
        key /= 10;
    } while (key != 0);
    std::reverse(digits.begin(), digits.end());
    return digits;
}

std::optional<HashKey> ParseHashKey(std::string_view text) {
    if (text.empty() || text.size() > 39 || (text.size() > 1 && text[0] == '0')) return std::nullopt;
    HashKey key = 0;
    for (char c : text) {
        if (c < '0' || c > '9') return std::nullopt;
        auto digit = static_cast<unsigned>(c - '0');
        if (key > (kMaxHashKey - digit) / 10) return std::nullopt;
        key = key * 10 + digit;
    }
    return key;
}

HashRange UniformRange(uint32_t index, uint32_t count) {
    // floor(2^128 / count) without a 129-bit number.
    HashKey width = kMaxHashKey / count;
    if (kMaxHashKey % count == count - 1) ++width;
    HashKey first = width * index;
    if (count == 1) return {};
    return {first, index + 1 == count ? kMaxHashKey : first + width - 1};
}

}  // namespace wellhead::services::kinesis
