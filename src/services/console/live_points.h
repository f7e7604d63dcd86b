#pragma once
// Readings out of a stream's records, whatever they measure, and the frames that carry them to the page.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"

namespace wellhead::services::console {

struct Reading {
    std::string device;
    int64_t time_ms = 0;
    std::vector<std::pair<std::string, double>> measures;
};

// Nothing when data is no JSON object or holds no number besides its time. README.md says which fields are what.
std::optional<Reading> ParseReading(base::ByteView data, std::string_view partition_key, base::Instant arrival);

// Seconds, milliseconds or microseconds since 1970, told apart by their size; or ISO 8601 with or without fraction and
// offset.
std::optional<int64_t> TimeFromNumber(double number);
std::optional<int64_t> TimeFromText(std::string_view text);

// Gathers readings into one frame.
class FrameWriter {
  public:
    static constexpr size_t kMaxDevices = 2000;
    static constexpr size_t kMaxMeasures = 24;

    explicit FrameWriter(std::string stream) : stream_(std::move(stream)) {}
    // Devices and measures beyond the limits are left out. live: it arrived now, and does not come from the backlog.
    void Add(const Reading& reading, base::Instant arrival, bool live);
    bool empty() const { return readings_.empty(); }
    size_t size() const { return readings_.size(); }
    // The frame; the writer is empty again.
    std::string Take();

  private:
    struct Row {
        size_t device;
        int64_t time_ms;
        std::vector<std::pair<size_t, double>> values;  // by measure
    };
    std::string stream_;
    std::map<std::string, size_t> devices_;
    std::map<std::string, size_t> measures_;
    std::vector<Row> readings_;
    base::Instant newest_;
    size_t live_ = 0;
};

}  // namespace wellhead::services::console
