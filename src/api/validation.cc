#include "api/validation.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "api/pattern.h"
#include "api/values.h"

namespace wellhead::api {

namespace {

constexpr size_t kMaxBreaches = 5;

int64_t CodePoints(const std::string& text) {
    return std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; });
}

class Checker {
  public:
    explicit Checker(bool strict_enums) : strict_enums_(strict_enums) {}

    void CheckStructure(const Structure& structure, const void* value, const std::string& path) {
        for (const Member& member : structure.members) {
            if (Full()) return;
            std::string member_path = path.empty() ? Lower(member.name) : path + "." + Lower(member.name);
            const void* at = member.Get(value);
            if (missing_.contains(member_path)) continue;
            if (at == nullptr) {
                if (member.required) Breach("null", member_path, "Member must not be null");
                continue;
            }
            if (member.shape->constrained || member.shape->constraint != nullptr) CheckValue(*member.shape, at, member_path);
        }
    }

    void NoteMissing(const std::string& path) {
        missing_.insert(Lower(path));
        Breach("null", Lower(path), "Member must not be null");
    }

    std::vector<std::string> breaches;

  private:
    bool Full() const { return breaches.size() >= kMaxBreaches; }

    // Paths in messages begin with a small letter.
    static std::string Lower(std::string_view name) {
        std::string lower(name);
        if (!lower.empty()) lower[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(lower[0])));
        return lower;
    }

    void Breach(std::string_view shown, const std::string& path, std::string_view what) {
        breaches.push_back(
            fmt::format("Value {} at '{}' failed to satisfy constraint: {}", shown, path, what));
    }

    void CheckLength(const Constraint& constraint, int64_t length, std::string_view shown, const std::string& path) {
        if (length < constraint.min) {
            Breach(shown, path, fmt::format("Member must have length greater than or equal to {}", constraint.min));
        }
        if (length > constraint.max) {
            Breach(shown, path, fmt::format("Member must have length less than or equal to {}", constraint.max));
        }
    }

    template <class Number>
    void CheckRange(const Constraint& constraint, Number number, const std::string& path) {
        if (number < static_cast<Number>(constraint.min) && constraint.min != Constraint::kNoMin) {
            Breach(fmt::format("'{}'", number), path,
                   fmt::format("Member must have value greater than or equal to {}", constraint.min));
        }
        if (number > static_cast<Number>(constraint.max) && constraint.max != Constraint::kNoMax) {
            Breach(fmt::format("'{}'", number), path,
                   fmt::format("Member must have value less than or equal to {}", constraint.max));
        }
    }

    void CheckString(const Constraint& constraint, const std::string& text, const std::string& path) {
        std::string shown = fmt::format("'{}'", text.substr(0, 200));
        CheckLength(constraint, CodePoints(text), shown, path);
        if (constraint.pattern != nullptr && !constraint.pattern->Matches(text)) {
            Breach(shown, path,
                   fmt::format("Member must satisfy regular expression pattern: {}", constraint.pattern->text()));
        }
        if (strict_enums_ && !constraint.values.empty() &&
            std::find(constraint.values.begin(), constraint.values.end(), text) == constraint.values.end()) {
            Breach(shown, path,
                   fmt::format("Member must satisfy enum value set: [{}]", fmt::join(constraint.values, ", ")));
        }
    }

    void CheckValue(const Shape& shape, const void* value, const std::string& path) {
        const Constraint* constraint = shape.constraint;
        switch (shape.kind) {
            case Kind::kString:
                if (constraint != nullptr) CheckString(*constraint, *static_cast<const std::string*>(value), path);
                return;
            case Kind::kInteger:
                if (constraint != nullptr) CheckRange<int64_t>(*constraint, *static_cast<const int32_t*>(value), path);
                return;
            case Kind::kLong:
                if (constraint != nullptr) CheckRange<int64_t>(*constraint, *static_cast<const int64_t*>(value), path);
                return;
            case Kind::kDouble:
                if (constraint != nullptr) CheckRange<double>(*constraint, *static_cast<const double*>(value), path);
                return;
            case Kind::kBlob:
                if (constraint != nullptr) {
                    CheckLength(*constraint, static_cast<int64_t>(static_cast<const Blob*>(value)->bytes.size()),
                                "'java.nio.HeapByteBuffer'", path);
                }
                return;
            case Kind::kStructure: CheckStructure(*shape.structure, value, path); return;
            case Kind::kList: {
                const ListType& type = *shape.list;
                size_t size = type.ops->size(value);
                if (constraint != nullptr) CheckLength(*constraint, static_cast<int64_t>(size), "'[...]'", path);
                if (!type.element->constrained && type.element->constraint == nullptr) return;
                for (size_t i = 0; i < size && !Full(); ++i) {
                    CheckValue(*type.element, type.ops->at(value, i), fmt::format("{}.{}.member", path, i + 1));
                }
                return;
            }
            case Kind::kMap: CheckMap(shape, value, path); return;
            default: return;
        }
    }

    struct MapVisit {
        Checker& checker;
        const MapType& type;
        const std::string& path;
    };
    void CheckMap(const Shape& shape, const void* value, const std::string& path) {
        if (shape.constraint != nullptr) {
            CheckLength(*shape.constraint, static_cast<int64_t>(shape.map->ops->size(value)), "'{...}'", path);
        }
        MapVisit visit{*this, *shape.map, path};
        shape.map->ops->each(value, &visit, [](void* state, const std::string& key, const void* item) {
            auto& of = *static_cast<MapVisit*>(state);
            if (of.checker.Full()) return;
            of.checker.CheckValue(*of.type.key, &key, of.path + ".key");
            of.checker.CheckValue(*of.type.value, item, of.path + "." + key + ".value");
        });
    }

    bool strict_enums_;
    std::set<std::string> missing_;
};

}  // namespace

std::vector<std::string> Validate(const Structure& structure, const void* value, bool strict_enums,
                                  const std::vector<std::string>& missing) {
    Checker checker(strict_enums);
    for (const std::string& path : missing) {
        if (checker.breaches.size() == kMaxBreaches) break;
        checker.NoteMissing(path);
    }
    checker.CheckStructure(structure, value, "");
    return std::move(checker.breaches);
}

std::string ValidationMessage(const std::vector<std::string>& breaches) {
    return fmt::format("{} validation error{} detected: {}", breaches.size(), breaches.size() == 1 ? "" : "s",
                       fmt::join(breaches, "; "));
}

}  // namespace wellhead::api
