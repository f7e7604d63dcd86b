#pragma once
// StrongId<Tag, T>: a value that is not mixed up with another of the same representation.
//     struct ShardIdTag;  using ShardId = base::StrongId<ShardIdTag, std::string>;

#include <compare>
#include <functional>
#include <string>
#include <utility>

namespace wellhead::base {

template <class Tag, class T = std::string>
class StrongId {
  public:
    StrongId() = default;
    explicit StrongId(T value) : value_(std::move(value)) {}
    const T& value() const { return value_; }
    friend bool operator==(const StrongId&, const StrongId&) = default;
    friend auto operator<=>(const StrongId&, const StrongId&) = default;

  private:
    T value_{};
};

}  // namespace wellhead::base

template <class Tag, class T>
struct std::hash<wellhead::base::StrongId<Tag, T>> {
    size_t operator()(const wellhead::base::StrongId<Tag, T>& id) const {
        return std::hash<T>()(id.value());
    }
};
