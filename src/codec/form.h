#pragma once
// Query strings and form bodies (application/x-www-form-urlencoded; WHATWG URL, 5) and percent encoding (RFC 3986, 2.1).

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace wellhead::codec {

// Everything but the unreserved characters is encoded.
std::string PercentEncode(base::ByteView bytes);
// Nothing when a '%' is not followed by two hexadecimal digits. '+' stays what it is.
std::optional<base::Bytes> PercentDecode(std::string_view text);

// The fields of a query string or a form body, in order.
class Form {
  public:
    static constexpr size_t kMaxFields = 200;
    // Nothing when it is malformed or has more than kMaxFields fields.
    static std::optional<Form> Parse(std::string_view text);

    // The first field of this name.
    std::optional<std::string> Find(std::string_view name) const;
    // The first field of this name, empty when there is none.
    std::string Get(std::string_view name) const;
    Form& Add(std::string name, std::string value);
    std::string ToString() const;
    const std::vector<std::pair<std::string, std::string>>& fields() const { return fields_; }

  private:
    std::vector<std::pair<std::string, std::string>> fields_;
};

}  // namespace wellhead::codec
