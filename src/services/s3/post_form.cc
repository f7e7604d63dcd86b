#include "services/s3/post_form.h"

#include "services/s3/s3_errors.h"

namespace wellhead::services::s3 {

namespace {

std::string Lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    return out;
}

std::string_view Trim(std::string_view text) {
    while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
    while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
    return text;
}

// A parameter of a header: name=value or name="value". Browsers write a quote in a value as %22.
std::optional<std::string> Parameter(std::string_view header, std::string_view name) {
    size_t at = std::min(header.find(';'), header.size());
    while (at < header.size()) {
        ++at;
        const size_t equals = header.find('=', at);
        if (equals == header.npos) return std::nullopt;
        const std::string key = Lower(Trim(header.substr(at, equals - at)));
        std::string value;
        size_t end = equals + 1;
        if (end < header.size() && header[end] == '"') {
            for (++end; end < header.size() && header[end] != '"'; ++end) {
                if (header[end] == '\\' && end + 1 < header.size()) ++end;
                value += header[end];
            }
            end = std::min(header.find(';', end), header.size());
        } else {
            end = std::min(header.find(';', end), header.size());
            value = Trim(header.substr(equals + 1, end - equals - 1));
        }
        if (key == name) return value;
        at = end;
    }
    return std::nullopt;
}

api::ServiceError Malformed() {
    return S3Error("MalformedPOSTRequest", 400,
                   "The body of your POST request is not well-formed multipart/form-data.");
}

}  // namespace

std::optional<std::string> BoundaryOf(std::string_view content_type) {
    if (Lower(Trim(content_type.substr(0, content_type.find(';')))) != "multipart/form-data") return std::nullopt;
    auto boundary = Parameter(content_type, "boundary");
    if (!boundary || boundary->empty() || boundary->size() > 70) return std::nullopt;
    return boundary;
}

PostForm::PostForm(api::StreamBody body, std::string boundary)
    : body_(std::move(body)),
      delimiter_("\r\n--" + boundary),
      buffer_("\r\n") {}  // as if a line had ended before the first delimiter

const std::string* PostForm::Find(const std::string& name) const {
    auto found = fields_.find(name);
    return found == fields_.end() ? nullptr : &found->second;
}

env::Task<base::Result<bool>> PostForm::More() {
    auto piece = co_await body_->Read();
    if (!piece) co_return std::unexpected(piece.error());
    buffer_ += *piece;
    co_return !piece->empty();
}

std::optional<PostForm::PartHead> PostForm::ParseHead(std::string_view head) {
    PartHead out;
    bool named = false;
    while (!head.empty()) {
        const size_t end = std::min(head.find("\r\n"), head.size());
        std::string_view line = head.substr(0, end);
        head.remove_prefix(std::min(end + 2, head.size()));
        const size_t colon = line.find(':');
        if (colon == line.npos) return std::nullopt;
        const std::string name = Lower(Trim(line.substr(0, colon)));
        std::string_view value = Trim(line.substr(colon + 1));
        if (name == "content-disposition") {
            auto field = Parameter(value, "name");
            if (!field) return std::nullopt;
            out.name = *field;
            out.file_name = Parameter(value, "filename");
            named = true;
        } else if (name == "content-type") {
            out.type = value;
        }
    }
    if (!named) return std::nullopt;
    return out;
}

env::Task<api::Outcome<void>> PostForm::ReadFields() {
    size_t used = 0;
    for (;;) {
        // The delimiter, the part's head up to its empty line.
        size_t begin = 0;
        size_t end = 0;
        for (;;) {
            begin = buffer_.find(delimiter_);
            end = begin == buffer_.npos ? begin : buffer_.find("\r\n\r\n", begin);
            if (begin != buffer_.npos && buffer_.compare(begin + delimiter_.size(), 2, "--") == 0) {
                co_return api::Outcome<void>();  // the end, without a file
            }
            if (end != buffer_.npos) break;
            if (buffer_.size() > kMostFormFieldBytes) break;
            auto more = co_await More();
            if (!more) co_return std::unexpected(FromBody(more.error()));
            if (!*more) co_return std::unexpected(Malformed());
        }
        const size_t head_begin = begin == buffer_.npos ? begin : buffer_.find("\r\n", begin + delimiter_.size());
        if (end == buffer_.npos || head_begin == buffer_.npos) co_return std::unexpected(Malformed());
        base::ByteView head_text = head_begin < end ? base::ByteView(buffer_).substr(head_begin + 2, end - head_begin - 2)
                                                    : base::ByteView();
        auto head = ParseHead(head_text);
        if (!head) co_return std::unexpected(Malformed());
        buffer_.erase(0, end + 4);
        if (Lower(head->name) == "file") {
            has_file_ = true;
            file_name_ = head->file_name.value_or("");
            file_type_ = head->type;
            co_return api::Outcome<void>();
        }
        size_t value_end = 0;
        while ((value_end = buffer_.find(delimiter_)) == buffer_.npos) {
            const bool too_long = used + buffer_.size() > kMostFormFieldBytes;
            if (too_long) break;
            auto more = co_await More();
            if (!more) co_return std::unexpected(FromBody(more.error()));
            if (!*more) co_return std::unexpected(Malformed());
        }
        if (value_end == buffer_.npos || used + value_end > kMostFormFieldBytes) {
            co_return std::unexpected(S3Error("MaxPostPreDataLengthExceededError", 400,
                                              "Your POST request fields preceding the upload file were too large."));
        }
        used += value_end + head->name.size();
        fields_.emplace(Lower(head->name), buffer_.substr(0, value_end));
        buffer_.erase(0, value_end);
    }
}

env::Task<base::Result<base::Bytes>> PostForm::ReadFile() {
    base::Bytes out;
    while (!file_ended_) {
        const size_t end = buffer_.find(delimiter_);
        if (end != buffer_.npos) {
            file_ended_ = true;
            out = buffer_.substr(0, end);
            buffer_.clear();
            // What follows is read to its end, so that the connection can go on.
            while (true) {
                CO_ASSIGN_OR_RETURN(const base::Bytes rest, co_await body_->Read());
                if (rest.empty()) break;
            }
            co_return out;
        }
        // All but what may be the beginning of the delimiter.
        if (buffer_.size() > delimiter_.size()) {
            out = buffer_.substr(0, buffer_.size() - delimiter_.size());
            buffer_.erase(0, out.size());
            co_return out;
        }
        CO_ASSIGN_OR_RETURN(const bool more, co_await More());
        if (!more) co_return base::Fail(base::ErrorCode::kUnavailable, "the form ended inside its file");
    }
    co_return out;
}

}  // namespace wellhead::services::s3
