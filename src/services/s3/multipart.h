#pragma once
// Where uploads under way are kept: an entry per upload in the table (s3/uploads), a hidden object per part.

#include <string>

#include "services/s3/attributes.h"
#include "services/s3/s3_errors.h"

namespace wellhead::services::s3 {

inline constexpr const char* kUploadsCollection = "s3/uploads";
inline constexpr size_t kUploadIdBytes = 32;  // hexadecimal digits
inline constexpr int32_t kMostParts = 10000;
inline constexpr uint64_t kSmallestPartBytes = 5 << 20;  // but for the last one

// bucket, zero byte, key, zero byte, upload id: in the order of ListMultipartUploads.
inline std::string UploadKey(const std::string& bucket, const std::string& key, const std::string& upload_id) {
    return bucket + '\0' + key + '\0' + upload_id;
}
struct UploadName {
    std::string key;
    std::string upload_id;
};
// Of a table key, which begins with bucket and a zero byte.
UploadName NameOfUpload(const std::string& table_key, size_t bucket_size);

// In the hidden bucket: upload id, "/", five digits.
std::string PartKey(const std::string& upload_id, int32_t number);
int32_t NumberOfPart(const std::string& part_key);

api::Outcome<void> CheckPartNumber(int32_t number);

}  // namespace wellhead::services::s3
