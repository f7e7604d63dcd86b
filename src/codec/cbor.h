#pragma once
// CBOR (RFC 8949): a bounds-checked cursor and the bytes of single items. Definite and indefinite lengths, both ways in.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace wellhead::codec {

enum class CborMajor : uint8_t {
    kUnsigned = 0,
    kNegative = 1,  // -1 - value
    kBytes = 2,
    kText = 3,
    kArray = 4,
    kMap = 5,
    kTag = 6,
    kSimple = 7,  // bool, null, undefined, floats, break
};

struct CborHead {
    CborMajor major;
    uint64_t value = 0;       // number, length, count, tag, or the simple value
    bool indefinite = false;  // string, array or map until a break
    bool is_float = false;    // kSimple: real holds the number
    double real = 0;

    bool IsNull() const { return major == CborMajor::kSimple && !is_float && (value == 22 || value == 23); }
    bool IsBool() const { return major == CborMajor::kSimple && !is_float && (value == 20 || value == 21); }
    bool IsBreak() const { return major == CborMajor::kSimple && indefinite; }
};

// Errors are kInvalidArgument. Borrows the bytes.
class CborReader {
  public:
    static constexpr int kMaxDepth = 64;
    explicit CborReader(base::ByteView bytes) : rest_(bytes) {}

    base::Result<CborHead> ReadHead();
    // The contents of a byte or text string whose head was read; its pieces joined where it is indefinite.
    base::Result<base::Bytes> ReadString(const CborHead& head);
    // In an array or map whose head was read and of which done items (or pairs) were: whether another one follows. Takes
    // the break.
    base::Result<bool> HasNext(const CborHead& head, uint64_t done);
    // Passes over the item whose head was read, and all that is in it.
    base::Result<void> Skip(const CborHead& head, int depth = 0);
    bool at_end() const { return rest_.empty(); }

  private:
    base::Result<uint64_t> ReadNumber(size_t size);
    base::ByteView rest_;
};

void AppendCborHead(CborMajor major, uint64_t value, std::string& out);
void AppendCborInteger(int64_t value, std::string& out);
void AppendCborText(std::string_view text, std::string& out);
void AppendCborBytes(base::ByteView bytes, std::string& out);
void AppendCborBool(bool value, std::string& out);
void AppendCborDouble(double value, std::string& out);

}  // namespace wellhead::codec
