#include "services/iot/paging.h"

#include "apis/iot/errors.h"
#include "codec/base64.h"

namespace wellhead::services::iot {

std::string MakePageToken(std::string_view operation, std::string_view last_key) {
    std::string text(operation);
    text.push_back('\n');
    return codec::EncodeBase64Url(text.append(last_key));
}

api::Outcome<std::string> ReadPageToken(std::string_view operation, const std::optional<std::string>& token) {
    if (!token || token->empty()) return std::string();
    auto text = codec::DecodeBase64Url(*token);
    std::string prefix(operation);
    prefix.push_back('\n');
    if (!text || !text->starts_with(prefix)) {
        return std::unexpected(apis::iot::InvalidRequestException("The page token is not one of this operation"));
    }
    return text->substr(prefix.size());
}

size_t PageLimit(const std::optional<int32_t>& asked, size_t otherwise) {
    if (!asked || *asked <= 0) return otherwise;
    return std::min<size_t>(static_cast<size_t>(*asked), 250);
}

}  // namespace wellhead::services::iot
