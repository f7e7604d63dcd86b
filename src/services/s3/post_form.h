#pragma once
// A multipart/form-data body (RFC 7578) as browsers send it to a bucket: the fields in front of the file, then the file as
// a stream. What comes behind the file is passed over, as S3 does.

#include <map>
#include <optional>
#include <string>

#include "api/service.h"

namespace wellhead::services::s3 {

inline constexpr size_t kMostFormFieldBytes = 20 << 10;

// The boundary of "multipart/form-data; boundary=..."; nothing for another type or a boundary that RFC 2046 forbids.
std::optional<std::string> BoundaryOf(std::string_view content_type);

class PostForm {
  public:
    PostForm(api::StreamBody body, std::string boundary);

    // Reads up to the file's first byte. MalformedPOSTRequest, MaxPostPreDataLengthExceededError.
    env::Task<api::Outcome<void>> ReadFields();

    // Names lower-case.
    const std::map<std::string, std::string>& fields() const { return fields_; }
    const std::string* Find(const std::string& name) const;
    bool has_file() const { return has_file_; }
    const std::string& file_name() const { return file_name_; }
    const std::string& file_type() const { return file_type_; }

    // The file's next bytes; empty at its end. kUnavailable: the body ended before the file did.
    env::Task<base::Result<base::Bytes>> ReadFile();

  private:
    struct PartHead {
        std::string name;
        std::optional<std::string> file_name;
        std::string type;
    };
    static std::optional<PartHead> ParseHead(std::string_view head);
    env::Task<base::Result<bool>> More();

    api::StreamBody body_;
    const std::string delimiter_;  // "\r\n--boundary"
    base::Bytes buffer_;           // read and not used
    std::map<std::string, std::string> fields_;
    bool has_file_ = false;
    bool file_ended_ = false;
    std::string file_name_;
    std::string file_type_;
};

}  // namespace wellhead::services::s3
