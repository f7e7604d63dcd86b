#include "net/http.h"

#include <algorithm>

namespace wellhead::net {

std::optional<std::string_view> Headers::Find(std::string_view name) const {
    for (const auto& [field, value] : fields_) {
        if (field == name) return std::string_view(value);
    }
    return std::nullopt;
}

std::vector<std::string_view> Headers::FindAll(std::string_view name) const {
    std::vector<std::string_view> values;
    for (const auto& [field, value] : fields_) {
        if (field == name) values.push_back(value);
    }
    return values;
}

void Headers::Add(std::string name, std::string value) {
    fields_.emplace_back(std::move(name), std::move(value));
}

void Headers::Set(std::string name, std::string value) {
    Remove(name);
    Add(std::move(name), std::move(value));
}

void Headers::Remove(std::string_view name) {
    std::erase_if(fields_, [&](const Field& field) { return field.first == name; });
}

std::string_view HttpRequest::path() const {
    return std::string_view(target).substr(0, target.find('?'));
}

std::string_view HttpRequest::query() const {
    size_t mark = target.find('?');
    return mark == std::string::npos ? std::string_view() : std::string_view(target).substr(mark + 1);
}

env::Task<base::Result<base::Bytes>> ReadAll(BodyReader& body, uint64_t limit) {
    if (body.length().value_or(0) > limit) {
        co_return base::Fail(base::ErrorCode::kLimit, "the body is too large");
    }
    base::Bytes all;
    for (;;) {
        CO_ASSIGN_OR_RETURN(base::Bytes piece, co_await body.Read());
        if (piece.empty()) co_return all;
        if (piece.size() > limit - all.size()) {
            co_return base::Fail(base::ErrorCode::kLimit, "the body is too large");
        }
        if (all.empty()) {
            all = std::move(piece);
        } else {
            all += piece;
        }
    }
}

}  // namespace wellhead::net
