#include "storage/table/table.h"

namespace wellhead::storage {

TableRange PrefixRange(base::ByteView prefix, base::ByteView after, size_t limit) {
    TableRange range{base::Bytes(prefix), base::Bytes(prefix), limit};
    // The first key behind all with the prefix: the prefix with its last byte that can grow grown.
    while (!range.last.empty() && static_cast<unsigned char>(range.last.back()) == 0xff) {
        range.last.pop_back();
    }
    if (!range.last.empty()) range.last.back() = static_cast<char>(range.last.back() + 1);
    if (after >= prefix && !after.empty()) {
        range.first = base::Bytes(after);
        range.first.push_back('\0');
    }
    return range;
}

TableBatch& TableBatch::Put(std::string collection, base::Bytes key, base::Bytes value) {
    steps_.push_back({Kind::kPut, std::move(collection), std::move(key), std::move(value)});
    return *this;
}
TableBatch& TableBatch::Delete(std::string collection, base::Bytes key) {
    steps_.push_back({Kind::kDelete, std::move(collection), std::move(key), {}});
    return *this;
}
TableBatch& TableBatch::RequireAbsent(std::string collection, base::Bytes key) {
    steps_.push_back({Kind::kRequireAbsent, std::move(collection), std::move(key), {}});
    return *this;
}
TableBatch& TableBatch::RequirePresent(std::string collection, base::Bytes key) {
    steps_.push_back({Kind::kRequirePresent, std::move(collection), std::move(key), {}});
    return *this;
}
TableBatch& TableBatch::RequireValue(std::string collection, base::Bytes key, base::Bytes value) {
    steps_.push_back({Kind::kRequireValue, std::move(collection), std::move(key), std::move(value)});
    return *this;
}

}  // namespace wellhead::storage
