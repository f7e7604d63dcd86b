#include "services/iot/time_zones.h"

#include <algorithm>

#include "sql/iot/time_pattern.h"

namespace wellhead::services::iot {

namespace {

constexpr uint64_t kMaxFileBytes = 64 * 1024;
constexpr size_t kMaxZones = 1000;
constexpr size_t kHeaderBytes = 44;

// Big-endian numbers of a zone file; reading past the end gives zeros and is remembered.
class Reader {
  public:
    explicit Reader(base::ByteView bytes) : bytes_(bytes) {}
    uint64_t Number(size_t width) {
        if (bytes_.size() < width) {
            good_ = false;
            return 0;
        }
        uint64_t value = 0;
        for (size_t i = 0; i < width; ++i) value = value << 8 | static_cast<unsigned char>(bytes_[i]);
        bytes_.remove_prefix(width);
        return value;
    }
    void Skip(size_t count) {
        good_ = good_ && count <= bytes_.size();
        bytes_.remove_prefix(std::min(count, bytes_.size()));
    }
    bool good() const { return good_; }

  private:
    base::ByteView bytes_;
    bool good_ = true;
};

struct Header {
    uint64_t utc_indicators, standard_indicators, leaps, changes, types, name_bytes;
};

Header ReadHeader(Reader& reader) {
    reader.Skip(20);
    Header header{};
    header.utc_indicators = reader.Number(4);
    header.standard_indicators = reader.Number(4);
    header.leaps = reader.Number(4);
    header.changes = reader.Number(4);
    header.types = reader.Number(4);
    header.name_bytes = reader.Number(4);
    return header;
}

bool IsZoneName(std::string_view zone) {
    return !zone.empty() && zone.size() < 64 && zone.front() != '/' && zone.find("..") == std::string_view::npos &&
           std::all_of(zone.begin(), zone.end(), [](char c) {
               return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '/' || c == '_' || c == '-' || c == '+';
           });
}

}  // namespace

base::Result<TimeZone> TimeZone::Parse(base::ByteView file) {
    if (file.size() < kHeaderBytes || !file.starts_with("TZif") || file[4] < '2') {
        return base::Fail(base::ErrorCode::kCorrupt, "not a zone file of version 2");
    }
    Reader reader(file);
    // The first block is the 32-bit one, for readers of version 1.
    Header old = ReadHeader(reader);
    uint64_t old_bytes = old.changes * 5 + old.types * 6 + old.name_bytes + old.leaps * 8 + old.standard_indicators +
                         old.utc_indicators;
    reader.Skip(static_cast<size_t>(std::min<uint64_t>(old_bytes, file.size() + 1)));
    Header header = ReadHeader(reader);
    if (!reader.good() || header.changes > 5000 || header.types == 0 || header.types > 256) {
        return base::Fail(base::ErrorCode::kCorrupt, "a zone file with impossible counts");
    }
    TimeZone zone;
    for (uint64_t i = 0; i < header.changes; ++i) zone.changes_s_.push_back(static_cast<int64_t>(reader.Number(8)));
    std::vector<size_t> types;
    for (uint64_t i = 0; i < header.changes; ++i) types.push_back(static_cast<size_t>(reader.Number(1)));
    std::vector<int> offsets;
    for (uint64_t i = 0; i < header.types; ++i) {
        offsets.push_back(static_cast<int32_t>(reader.Number(4)));
        reader.Skip(2);
    }
    if (!reader.good()) return base::Fail(base::ErrorCode::kCorrupt, "a zone file that ends too early");
    for (size_t type : types) {
        if (type >= offsets.size()) return base::Fail(base::ErrorCode::kCorrupt, "a zone file with an unknown type");
        zone.offsets_s_.push_back(offsets[type]);
    }
    zone.first_offset_s_ = offsets.front();
    return zone;
}

int TimeZone::OffsetAt(base::Instant at) const {
    int64_t seconds = std::chrono::floor<std::chrono::seconds>(at.time_since_epoch()).count();
    auto next = std::upper_bound(changes_s_.begin(), changes_s_.end(), seconds);
    if (next == changes_s_.begin()) return first_offset_s_;
    return offsets_s_[static_cast<size_t>(next - changes_s_.begin() - 1)];
}

std::optional<int> TimeZones::OffsetAt(std::string_view zone, base::Instant at) {
    if (auto fixed = sql::iot::FixedZoneOffset(zone)) return fixed;
    if (!IsZoneName(zone)) return std::nullopt;
    std::lock_guard lock(mutex_);
    auto found = zones_.find(zone);
    if (found == zones_.end()) {
        if (zones_.size() >= kMaxZones) zones_.clear();
        std::shared_ptr<const TimeZone> parsed;
        auto file = env::ReadWholeFile(files_, directory_ + "/" + std::string(zone), kMaxFileBytes);
        if (file) {
            auto read = TimeZone::Parse(*file);
            if (read) parsed = std::make_shared<const TimeZone>(std::move(*read));
        }
        found = zones_.emplace(zone, std::move(parsed)).first;
    }
    if (!found->second) return std::nullopt;
    return found->second->OffsetAt(at);
}

}  // namespace wellhead::services::iot
