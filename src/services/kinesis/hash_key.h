#pragma once
// Hash keys: the 128-bit number space that a stream's shards divide among them.

#include <optional>
#include <string>
#include <string_view>

namespace wellhead::services::kinesis {

__extension__ using HashKey = unsigned __int128;

inline constexpr HashKey kMaxHashKey = ~HashKey{0};

// Both ends included.
struct HashRange {
    HashKey first = 0;
    HashKey last = kMaxHashKey;
    friend bool operator==(const HashRange&, const HashRange&) = default;
};

// The MD5 of the partition key as a big-endian number.
HashKey HashOf(std::string_view partition_key);
std::string FormatHashKey(HashKey key);
// "0" or decimal digits without a leading zero, at most 2^128-1.
std::optional<HashKey> ParseHashKey(std::string_view text);
// The index-th of count ranges that divide the whole space evenly; the last takes what is over.
HashRange UniformRange(uint32_t index, uint32_t count);

}  // namespace wellhead::services::kinesis
