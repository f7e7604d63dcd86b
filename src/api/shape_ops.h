#pragma once
// The operations of shape.h for a concrete T. Included by generated .cc files only.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "api/shape.h"

namespace wellhead::api {

template <class T>
inline constexpr ListOps kListOps{
    [](const void* list) { return static_cast<const std::vector<T>*>(list)->size(); },
    [](const void* list, size_t index) -> const void* {
        return static_cast<const std::vector<T>*>(list)->data() + index;
    },
    [](void* list) -> void* { return &static_cast<std::vector<T>*>(list)->emplace_back(); },
    [](void* list) { static_cast<std::vector<T>*>(list)->clear(); },
};

template <class T>
inline constexpr MapOps kMapOps{
    [](const void* map) { return static_cast<const std::map<std::string, T>*>(map)->size(); },
    [](const void* map, void* state,
       void (*visit)(void* state, const std::string& key, const void* value)) {
        for (const auto& [key, value] : *static_cast<const std::map<std::string, T>*>(map)) {
            visit(state, key, &value);
        }
    },
    [](void* map, std::string key) -> void* {
        T& value = (*static_cast<std::map<std::string, T>*>(map))[std::move(key)];
        value = T();
        return &value;
    },
    [](void* map) { static_cast<std::map<std::string, T>*>(map)->clear(); },
};

template <class T>
inline constexpr HoldOps kOptional{
    [](const void* holder) -> const void* {
        const auto* optional = static_cast<const std::optional<T>*>(holder);
        return optional->has_value() ? &**optional : nullptr;
    },
    [](void* holder) -> void* { return &static_cast<std::optional<T>*>(holder)->emplace(); },
};

template <class T>
inline constexpr HoldOps kBoxed{
    [](const void* holder) -> const void* {
        return static_cast<const std::shared_ptr<T>*>(holder)->get();
    },
    [](void* holder) -> void* {
        auto* box = static_cast<std::shared_ptr<T>*>(holder);
        *box = std::make_shared<T>();
        return box->get();
    },
};

// A StreamBody or EventStream: a null pointer is an absent member; codecs never emplace one.
template <class Pointer>
inline constexpr HoldOps kStreamHold{
    [](const void* holder) -> const void* {
        return *static_cast<const Pointer*>(holder) ? holder : nullptr;
    },
    [](void* holder) -> void* { return holder; },
};

template <class T>
void* CreateValue() {
    return new T();
}
template <class T>
void DestroyValue(void* value) {
    delete static_cast<T*>(value);
}

}  // namespace wellhead::api
