#include "services/s3/object_answer.h"

#include <fmt/chrono.h>

#include <ctime>

namespace wellhead::services::s3 {

std::string HttpDate(base::Instant t) {
    std::time_t seconds = std::chrono::floor<std::chrono::seconds>(t).time_since_epoch().count();
    return fmt::format("{:%a, %d %b %Y %H:%M:%S GMT}", fmt::gmtime(seconds));
}

Checksum ChecksumFor(const storage::ObjectMetadata& metadata, const ObjectAttributes& attributes) {
    if (attributes.checksum) return *attributes.checksum;
    return {ChecksumAlgorithm::kCrc64Nvme, CrcText(ChecksumAlgorithm::kCrc64Nvme, metadata.crc64nvme), false};
}

api::Outcome<Selection> Select(const storage::ObjectMetadata& metadata, const ObjectAttributes& attributes,
                               const std::optional<std::string>& range, std::optional<int32_t> part_number) {
    Selection selection;
    selection.range = {0, metadata.size_bytes};
    if (range && part_number) {
        return std::unexpected(InvalidRequest("Cannot specify both Range header and partNumber query parameter"));
    }
    if (range) {
        RangeAnswer answer = ResolveRange(*range, metadata.size_bytes);
        if (answer.kind == RangeKind::kUnsatisfiable) {
            auto error = S3Error("InvalidRange", 416, "The requested range is not satisfiable");
            error.members["RangeRequested"] = *range;
            error.members["ActualObjectSize"] = std::to_string(metadata.size_bytes);
            return std::unexpected(std::move(error));
        }
        if (answer.kind == RangeKind::kPart) {
            selection.range = answer.range;
            selection.partial = true;
        }
        return selection;
    }
    if (!part_number) return selection;
    if (*part_number < 1 || *part_number > 10000) {
        return std::unexpected(InvalidArgument("Part number must be an integer between 1 and 10000, inclusive",
                                               "partNumber", std::to_string(*part_number)));
    }
    if (!attributes.parts.empty()) selection.parts_count = static_cast<int32_t>(attributes.parts.size());
    size_t index = static_cast<size_t>(*part_number) - 1;
    if (index >= std::max<size_t>(attributes.parts.size(), 1)) {
        auto error = S3Error("InvalidPartNumber", 416, "The requested partnumber is not satisfiable");
        error.members["PartNumberRequested"] = std::to_string(*part_number);
        error.members["ActualPartCount"] = std::to_string(std::max<size_t>(attributes.parts.size(), 1));
        return std::unexpected(std::move(error));
    }
    selection.partial = metadata.size_bytes > 0;
    if (attributes.parts.empty()) return selection;
    selection.range.offset = 0;
    for (size_t i = 0; i < index; ++i) selection.range.offset += attributes.parts[i].size_bytes;
    selection.range.length = attributes.parts[index].size_bytes;
    return selection;
}

api::Outcome<void> CheckConditions(const Conditions& conditions, const ObjectAttributes& attributes,
                                   base::Instant modified) {
    switch (Judge(conditions, attributes.etag, modified)) {
        case Verdict::kGo: return {};
        case Verdict::kIfMatchFailed: return std::unexpected(PreconditionFailed("If-Match"));
        case Verdict::kIfUnmodifiedSinceFailed: return std::unexpected(PreconditionFailed("If-Unmodified-Since"));
        case Verdict::kNotModified: break;
    }
    auto error = S3Error("NotModified", 304, "Not Modified");
    error.members["ETag"] = '"' + attributes.etag + '"';
    error.members["Last-Modified"] = HttpDate(modified);
    return std::unexpected(std::move(error));
}

}  // namespace wellhead::services::s3
