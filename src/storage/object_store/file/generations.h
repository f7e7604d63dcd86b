#pragma once
// Generations: which files of replaced or deleted objects may go. A file that nobody can meet any more is removed at
// once; one that is read stays until its last reader lets go.

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace wellhead::storage::file {

// Thread-safe. remove is called without locks held, once per retired file.
class Generations {
  public:
    using Remove = std::function<void(std::string path)>;
    explicit Generations(Remove remove) : remove_(std::move(remove)) {}

    // A look-up of the index: what it finds may be retired before it is pinned, and stays until the look-up ends.
    uint64_t BeginLookup();
    void EndLookup(uint64_t lookup);

    void Pin(uint64_t generation);
    void Unpin(uint64_t generation);

    // The index names the file at path no longer.
    void Retire(uint64_t generation, std::string path);
    // It is retired and not removed yet.
    bool IsRetired(uint64_t generation) const;

  private:
    struct Retired {
        std::string path;
        uint64_t before;  // look-ups that began earlier may still meet it
    };
    std::vector<std::string> TakeRemovable();

    const Remove remove_;
    mutable std::mutex mutex_;
    uint64_t next_lookup_ = 1;
    std::set<uint64_t> lookups_;
    std::map<uint64_t, int> pins_;
    std::map<uint64_t, Retired> retired_;
};

}  // namespace wellhead::storage::file
