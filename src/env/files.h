#pragma once
// Files: the file system as a port. All calls block: run them on a BlockingPool. Thread-safe, but for one File's
// writes, which its owner orders. Paths are UTF-8 as the host wants them. Errors: kNotFound, kAlreadyExists, kLimit (no
// space, no descriptors), kPermission, kIo. After a failed Sync the written pages are lost: do not retry, go read-only.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace wellhead::env {

enum class OpenMode {
    kRead,            // must exist
    kReadWrite,       // created when absent
    kCreateNew,       // read and write, fails with kAlreadyExists
    kDirectDurable,   // read and write, created when absent, O_DIRECT|O_DSYNC: each WriteAt is durable when it returns;
                      // offset, size and address must be multiples of kDirectAlignment, and so for ReadAt
};
inline constexpr size_t kDirectAlignment = 4096;

class File {
  public:
    virtual ~File() = default;  // closes; nothing is made durable by it
    // Reads up to out.size() bytes; fewer only at the end of the file.
    virtual base::Result<size_t> ReadAt(uint64_t offset, std::span<char> out) = 0;
    // Writes all of data, or fails with an unknown part written.
    virtual base::Result<void> WriteAt(uint64_t offset, base::ByteView data) = 0;
    // Data and size are on stable storage when it returns.
    virtual base::Result<void> Sync() = 0;
    virtual base::Result<uint64_t> Size() = 0;
    virtual base::Result<void> Truncate(uint64_t size) = 0;
    // Reserves and zeroes [size, new_size) so that later writes there do not extend the file.
    virtual base::Result<void> Preallocate(uint64_t new_size) = 0;
    // Copies length bytes of source from source_offset to offset of this file, inside the kernel where it can. kIo when
    // the source ends before.
    virtual base::Result<void> CopyFrom(File& source, uint64_t source_offset, uint64_t offset,
                                        uint64_t length);
    // The descriptor for sendfile, or -1 where there is none (simulated).
    virtual int descriptor() const = 0;
};

enum class FileKind { kFile, kDirectory };

struct DirectoryEntry {
    std::string name;
    FileKind kind;
};

class Files {
  public:
    virtual ~Files() = default;
    virtual base::Result<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) = 0;
    // Atomic; replaces an existing file. Durable after SyncDirectory of both parents.
    virtual base::Result<void> Rename(const std::string& from, const std::string& to) = 0;
    // A second name of the same file; durable after SyncDirectory of its parent. kUnsupported where there are no links.
    virtual base::Result<void> Link(const std::string& from, const std::string& to);
    // A file or an empty directory.
    virtual base::Result<void> Remove(const std::string& path) = 0;
    // With parents; existing ones are no error. The made entries are durable when it returns.
    virtual base::Result<void> MakeDirectories(const std::string& path) = 0;
    // In no order; without "." and "..".
    virtual base::Result<std::vector<DirectoryEntry>> List(const std::string& path) = 0;
    virtual base::Result<void> SyncDirectory(const std::string& path) = 0;
    // Bytes free for us on the file system that holds path.
    virtual base::Result<uint64_t> FreeSpace(const std::string& path) = 0;
};

// The whole file. kLimit when it is larger than limit.
base::Result<base::Bytes> ReadWholeFile(Files& files, const std::string& path, uint64_t limit);
// A new file with these contents takes path's place atomically and durably: never half of it is seen.
base::Result<void> ReplaceFileDurably(Files& files, const std::string& path, base::ByteView contents);

}  // namespace wellhead::env
