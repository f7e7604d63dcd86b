#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "env/posix/posix.h"

namespace wellhead::env::posix {

namespace {

using base::ErrorCode;
using base::Result;

std::unexpected<base::Error> FromErrno(std::string_view call, const std::string& path, int error) {
    ErrorCode code = ErrorCode::kIo;
    switch (error) {
        case ENOENT:
        case ENOTDIR: code = ErrorCode::kNotFound; break;
        case EEXIST:
        case ENOTEMPTY: code = ErrorCode::kAlreadyExists; break;
        case ENOSPC:
        case EDQUOT:
        case EMFILE:
        case ENFILE:
        case ENOMEM: code = ErrorCode::kLimit; break;
        case EACCES:
        case EPERM:
        case EROFS: code = ErrorCode::kPermission; break;
        case ENAMETOOLONG:
        case EINVAL: code = ErrorCode::kInvalidArgument; break;
        default: break;
    }
    return base::Fail(code, fmt::format("{} {}: {}", call, path, std::strerror(error)));
}

class PosixFile final : public File {
  public:
    PosixFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
    ~PosixFile() override { ::close(fd_); }

    Result<size_t> ReadAt(uint64_t offset, std::span<char> out) override {
        size_t done = 0;
        while (done < out.size()) {
            ssize_t n = ::pread(fd_, out.data() + done, out.size() - done,
                                static_cast<off_t>(offset + done));
            if (n < 0 && errno == EINTR) continue;
            if (n < 0) return FromErrno("read", path_, errno);
            if (n == 0) break;
            done += static_cast<size_t>(n);
        }
        return done;
    }
    Result<void> WriteAt(uint64_t offset, base::ByteView data) override {
        while (!data.empty()) {
            ssize_t n = ::pwrite(fd_, data.data(), data.size(), static_cast<off_t>(offset));
            if (n < 0 && errno == EINTR) continue;
            if (n < 0) return FromErrno("write", path_, errno);
            data.remove_prefix(static_cast<size_t>(n));
            offset += static_cast<uint64_t>(n);
        }
        return {};
    }
    Result<void> Sync() override {
        if (::fdatasync(fd_) != 0) return FromErrno("fdatasync", path_, errno);
        return {};
    }
    Result<uint64_t> Size() override {
        struct stat status {};
        if (::fstat(fd_, &status) != 0) return FromErrno("stat", path_, errno);
        return static_cast<uint64_t>(status.st_size);
    }
    Result<void> Truncate(uint64_t size) override {
        if (::ftruncate(fd_, static_cast<off_t>(size)) != 0) return FromErrno("truncate", path_, errno);
        return {};
    }
    Result<void> Preallocate(uint64_t new_size) override {
        // Written zeroes, not fallocate: unwritten extents would turn each later O_DSYNC write into a journal commit.
        ASSIGN_OR_RETURN(uint64_t size, Size());
        constexpr size_t kStep = 1 << 20;
        void* zeroes = nullptr;
        if (::posix_memalign(&zeroes, kDirectAlignment, kStep) != 0) return FromErrno("allocate", path_, ENOMEM);
        std::memset(zeroes, 0, kStep);
        Result<void> result;
        while (result && size < new_size) {
            size_t step = static_cast<size_t>(std::min<uint64_t>(kStep, new_size - size));
            result = WriteAt(size, {static_cast<const char*>(zeroes), step});
            size += step;
        }
        std::free(zeroes);
        if (!result) return result;
        return Sync();
    }
    Result<void> CopyFrom(File& source, uint64_t source_offset, uint64_t offset,
                          uint64_t length) override {
        auto from = static_cast<off64_t>(source_offset);
        auto to = static_cast<off64_t>(offset);
        while (length > 0 && source.descriptor() >= 0) {
            ssize_t n = ::copy_file_range(source.descriptor(), &from, fd_, &to, length, 0);
            if (n < 0 && errno == EINTR) continue;
            if (n < 0 && (errno == EXDEV || errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP)) break;
            if (n < 0) return FromErrno("copy to", path_, errno);
            if (n == 0) return base::Fail(ErrorCode::kIo, "copy to " + path_ + ": the source ended early");
            length -= static_cast<uint64_t>(n);
        }
        return File::CopyFrom(source, static_cast<uint64_t>(from), static_cast<uint64_t>(to), length);
    }
    int descriptor() const override { return fd_; }

  private:
    const std::string path_;
    const int fd_;
};

class PosixFiles final : public Files {
  public:
    Result<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) override {
        int flags = O_CLOEXEC;
        switch (mode) {
            case OpenMode::kRead: flags |= O_RDONLY; break;
            case OpenMode::kReadWrite: flags |= O_RDWR | O_CREAT; break;
            case OpenMode::kCreateNew: flags |= O_RDWR | O_CREAT | O_EXCL; break;
            case OpenMode::kDirectDurable: flags |= O_RDWR | O_CREAT | O_DIRECT | O_DSYNC; break;
        }
        int fd = ::open(path.c_str(), flags, 0600);
        if (fd < 0 && errno == EINVAL && mode == OpenMode::kDirectDurable) {
            // Some file systems (tmpfs) have no direct I/O; durability is O_DSYNC's.
            fd = ::open(path.c_str(), flags & ~O_DIRECT, 0600);
        }
        if (fd < 0) return FromErrno("open", path, errno);
        return std::make_unique<PosixFile>(path, fd);
    }
    Result<void> Rename(const std::string& from, const std::string& to) override {
        if (::rename(from.c_str(), to.c_str()) != 0) return FromErrno("rename", from, errno);
        return {};
    }
    Result<void> Link(const std::string& from, const std::string& to) override {
        if (::link(from.c_str(), to.c_str()) != 0) return FromErrno("link", from, errno);
        return {};
    }
    Result<void> Remove(const std::string& path) override {
        if (::remove(path.c_str()) != 0) return FromErrno("remove", path, errno);
        return {};
    }
    Result<void> MakeDirectories(const std::string& path) override {
        if (::mkdir(path.c_str(), 0700) == 0) return SyncDirectory(Parent(path));
        if (errno == EEXIST) return {};
        if (errno != ENOENT || Parent(path) == path) return FromErrno("mkdir", path, errno);
        RETURN_IF_ERROR(MakeDirectories(Parent(path)));
        if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return FromErrno("mkdir", path, errno);
        return SyncDirectory(Parent(path));
    }
    Result<std::vector<DirectoryEntry>> List(const std::string& path) override {
        DIR* dir = ::opendir(path.c_str());
        if (dir == nullptr) return FromErrno("list", path, errno);
        std::vector<DirectoryEntry> entries;
        while (dirent* entry = ::readdir(dir)) {
            std::string name = entry->d_name;
            if (name == "." || name == "..") continue;
            entries.push_back({std::move(name), entry->d_type == DT_DIR ? FileKind::kDirectory
                                                                        : FileKind::kFile});
        }
        ::closedir(dir);
        return entries;
    }
    Result<void> SyncDirectory(const std::string& path) override {
        int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0) return FromErrno("open", path, errno);
        int status = ::fsync(fd);
        int error = errno;
        ::close(fd);
        if (status != 0) return FromErrno("fsync", path, error);
        return {};
    }
    Result<uint64_t> FreeSpace(const std::string& path) override {
        struct statvfs status {};
        if (::statvfs(path.c_str(), &status) != 0) return FromErrno("statvfs", path, errno);
        return static_cast<uint64_t>(status.f_bavail) * status.f_frsize;
    }

  private:
    static std::string Parent(const std::string& path) {
        size_t slash = path.find_last_of('/');
        if (slash == std::string::npos) return ".";
        return slash == 0 ? "/" : path.substr(0, slash);
    }
};

}  // namespace

std::unique_ptr<Files> MakeFiles() { return std::make_unique<PosixFiles>(); }

}  // namespace wellhead::env::posix
