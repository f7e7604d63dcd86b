#include "storage/object_store/file/generations.h"

#include "base/check.h"

namespace wellhead::storage::file {

uint64_t Generations::BeginLookup() {
    std::lock_guard lock(mutex_);
    lookups_.insert(next_lookup_);
    return next_lookup_++;
}

void Generations::EndLookup(uint64_t lookup) {
    std::vector<std::string> paths;
    {
        std::lock_guard lock(mutex_);
        lookups_.erase(lookup);
        paths = TakeRemovable();
    }
    for (auto& path : paths) remove_(std::move(path));
}

void Generations::Pin(uint64_t generation) {
    std::lock_guard lock(mutex_);
    ++pins_[generation];
}

void Generations::Unpin(uint64_t generation) {
    std::vector<std::string> paths;
    {
        std::lock_guard lock(mutex_);
        auto found = pins_.find(generation);
        CHECK(found != pins_.end());
        if (--found->second == 0) pins_.erase(found);
        paths = TakeRemovable();
    }
    for (auto& path : paths) remove_(std::move(path));
}

void Generations::Retire(uint64_t generation, std::string path) {
    std::vector<std::string> paths;
    {
        std::lock_guard lock(mutex_);
        retired_[generation] = {std::move(path), next_lookup_};
        paths = TakeRemovable();
    }
    for (auto& removable : paths) remove_(std::move(removable));
}

bool Generations::IsRetired(uint64_t generation) const {
    std::lock_guard lock(mutex_);
    return retired_.contains(generation);
}

std::vector<std::string> Generations::TakeRemovable() {
    std::vector<std::string> paths;
    uint64_t oldest = lookups_.empty() ? next_lookup_ : *lookups_.begin();
    for (auto at = retired_.begin(); at != retired_.end();) {
        if (pins_.contains(at->first) || oldest < at->second.before) {
            ++at;
            continue;
        }
        paths.push_back(std::move(at->second.path));
        at = retired_.erase(at);
    }
    return paths;
}

}  // namespace wellhead::storage::file
