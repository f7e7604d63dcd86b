#pragma once
// Files in memory that record what was written and what was flushed.
//
// The fault model. A write is volatile until a barrier of its file (Sync, or the end of the write itself for
// kDirectDurable). A crash keeps, of the volatile writes, any subset, in any order, each torn at 512 B or 4 KiB. A
// directory change is volatile until SyncDirectory of its directory; a crash keeps a prefix of the volatile ones.

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "env/files.h"
#include "env/simulated/random.h"

namespace wellhead::env::simulated {

enum class Call { kOpen, kRead, kWrite, kSync, kTruncate, kRename, kRemove, kSyncDirectory };

// Calls of this kind on paths that contain path fail, after skip good ones, count times (SIZE_MAX: for good).
struct Fault {
    Call call;
    std::string path;
    size_t skip = 0;
    size_t count = 1;
    base::ErrorCode code = base::ErrorCode::kIo;
    bool write_half = false;  // a failing write leaves its first half
};

class SimulatedFiles final : public Files {
  public:
    SimulatedFiles();
    ~SimulatedFiles() override;

    base::Result<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) override;
    base::Result<void> Rename(const std::string& from, const std::string& to) override;
    base::Result<void> Remove(const std::string& path) override;
    base::Result<void> MakeDirectories(const std::string& path) override;
    base::Result<std::vector<DirectoryEntry>> List(const std::string& path) override;
    base::Result<void> SyncDirectory(const std::string& path) override;
    base::Result<uint64_t> FreeSpace(const std::string& path) override;

    void Inject(Fault fault);
    void ClearFaults();
    // A disk of this many bytes; writes that need more fail with kLimit.
    void SetCapacity(uint64_t bytes);

    // How many steps (writes, flushes, directory changes) were begun so far.
    size_t steps() const;
    // What a machine finds that lost power when `steps` steps had been completed and the next was under way.
    // steps <= steps(). The same seed gives the same image.
    std::unique_ptr<SimulatedFiles> CrashImage(size_t steps, uint64_t seed) const;
    // Forgets the record: what is there now is durable. Keeps memory low in long tests.
    void ForgetHistory();

    // Direct access, as somebody with a hex editor has.
    base::Result<base::Bytes> Contents(const std::string& path) const;
    void Overwrite(const std::string& path, uint64_t offset, base::ByteView bytes);
    void Resize(const std::string& path, uint64_t size);
    std::vector<std::string> Paths() const;

  private:
    friend class SimulatedFile;
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace wellhead::env::simulated
