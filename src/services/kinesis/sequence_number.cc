#include "services/kinesis/sequence_number.h"

#include <array>

namespace wellhead::services::kinesis {

namespace {

__extension__ using Wide = unsigned __int128;

// 192 bits, lowest limb first.
using Limbs = std::array<uint64_t, 3>;

constexpr int kVersionAt = 0, kShardAt = 4, kArrivalAt = 36, kIndexAt = 76, kCreatedAt = 148, kLeadAt = 184;
constexpr uint64_t kVersion = 2, kLead = 2;

// Decimal digits are made by the chunk.
constexpr uint64_t kChunk = 1'000'000'000'000'000'000;
constexpr size_t kChunkDigits = 18;

void Put(Limbs& limbs, int at, uint64_t value) {
    Wide shifted = static_cast<Wide>(value) << (at % 64);
    limbs[static_cast<size_t>(at / 64)] |= static_cast<uint64_t>(shifted);
    if (at / 64 + 1 < 3) limbs[static_cast<size_t>(at / 64 + 1)] |= static_cast<uint64_t>(shifted >> 64);
}

uint64_t Get(const Limbs& limbs, int at, int bits) {
    Wide window = limbs[static_cast<size_t>(at / 64)];
    if (at / 64 + 1 < 3) window |= static_cast<Wide>(limbs[static_cast<size_t>(at / 64 + 1)]) << 64;
    auto value = static_cast<uint64_t>(window >> (at % 64));
    return bits == 64 ? value : value & ((uint64_t{1} << bits) - 1);
}

}  // namespace

std::string FormatSequenceNumber(const SequenceNumber& number) {
    Limbs limbs{};
    Put(limbs, kVersionAt, kVersion);
    Put(limbs, kShardAt, number.shard);
    Put(limbs, kArrivalAt, number.arrival_s & 0xf'ffff'ffff);
    Put(limbs, kIndexAt, number.index);
    Put(limbs, kCreatedAt, number.shard_created_s & 0xf'ffff'ffff);
    Put(limbs, kLeadAt, kLead);
    constexpr int kDigits = 56;
    std::string text(kDigits, '0');
    int at = kDigits;
    while (at > 0) {
        Wide rest = 0;
        for (int i = 2; i >= 0; --i) {
            Wide value = rest << 64 | limbs[static_cast<size_t>(i)];
            limbs[static_cast<size_t>(i)] = static_cast<uint64_t>(value / kChunk);
            rest = value % kChunk;
        }
        auto chunk = static_cast<uint64_t>(rest);
        for (int i = 0; i < 18 && at > 0; ++i) {
            text[static_cast<size_t>(--at)] = static_cast<char>('0' + chunk % 10);
            chunk /= 10;
        }
    }
    return text;
}

// The digits of a chunk, ending before end.
void SequenceNumberRun::PutDigits(uint64_t chunk, size_t end) {
    for (size_t i = 0; i < kChunkDigits; ++i) {
        text_[--end] = static_cast<char>('0' + chunk % 10);
        chunk /= 10;
    }
}

const std::string& SequenceNumberRun::Format(const SequenceNumber& number) {
    ++last_.index;
    if (text_.empty() || number != last_) {
        text_ = FormatSequenceNumber(number);
        low_ = 0;
        for (char digit : text_.substr(text_.size() - kChunkDigits)) low_ = low_ * 10 + static_cast<uint64_t>(digit - '0');
    } else {
        // An index more is 2 to the power of kIndexAt more: 75557 times ten to the 18th, and the rest.
        low_ += 863'725'914'323'419'136;
        const uint64_t carry = low_ >= kChunk ? 1 : 0;
        low_ -= carry * kChunk;
        PutDigits(low_, text_.size());
        uint64_t middle = 75557 + carry;
        for (size_t at = text_.size() - kChunkDigits; middle > 0;) {
            middle += static_cast<uint64_t>(text_[--at] - '0');
            text_[at] = static_cast<char>('0' + middle % 10);
            middle /= 10;
        }
    }
    last_ = number;
    return text_;
}

std::optional<SequenceNumber> ParseSequenceNumber(std::string_view text) {
    if (text.size() != 56) return std::nullopt;
    Limbs limbs{};
    for (char c : text) {
        if (c < '0' || c > '9') return std::nullopt;
        Wide carry = static_cast<unsigned>(c - '0');
        for (auto& limb : limbs) {
            carry += static_cast<Wide>(limb) * 10;
            limb = static_cast<uint64_t>(carry);
            carry >>= 64;
        }
    }
    if (Get(limbs, kVersionAt, 4) != kVersion || Get(limbs, kLeadAt, 8) != kLead) return std::nullopt;
    SequenceNumber number;
    number.shard = static_cast<uint32_t>(Get(limbs, kShardAt, 32));
    number.arrival_s = Get(limbs, kArrivalAt, 36);
    number.index = Get(limbs, kIndexAt, 64);
    number.shard_created_s = Get(limbs, kCreatedAt, 36);
    // The unused bits are zero, so that there is one text for one number.
    if (FormatSequenceNumber(number) != text) return std::nullopt;
    return number;
}

}  // namespace wellhead::services::kinesis
