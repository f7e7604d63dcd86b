#pragma once
// Sequence numbers: decimal numbers of 56 digits that grow within a shard and from a shard to those that follow it.
// The layout is docs/formats/sequence_number.md.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace wellhead::services::kinesis {

struct SequenceNumber {
    uint64_t shard_created_s = 0;  // 36 bits; of children greater than of their parents
    uint64_t index = 0;            // log offset + 1; 0 is the number a shard starts with
    uint64_t arrival_s = 0;        // 36 bits
    uint32_t shard = 0;
    friend bool operator==(const SequenceNumber&, const SequenceNumber&) = default;
};

std::string FormatSequenceNumber(const SequenceNumber& number);

// FormatSequenceNumber for one number after the other: cheap where each follows the one before in its shard.
class SequenceNumberRun {
  public:
    // Valid until the next call.
    const std::string& Format(const SequenceNumber& number);

  private:
    void PutDigits(uint64_t chunk, size_t end);

    SequenceNumber last_;
    std::string text_;
    uint64_t low_ = 0;  // the last 18 digits
};

// Nothing when it is not one of ours.
std::optional<SequenceNumber> ParseSequenceNumber(std::string_view text);

}  // namespace wellhead::services::kinesis
