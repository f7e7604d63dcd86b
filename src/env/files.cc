#include "env/files.h"

#include <fmt/format.h>

namespace wellhead::env {

base::Result<base::Bytes> ReadWholeFile(Files& files, const std::string& path, uint64_t limit) {
    ASSIGN_OR_RETURN(auto file, files.Open(path, OpenMode::kRead));
    ASSIGN_OR_RETURN(uint64_t size, file->Size());
    if (size > limit) {
        return base::Fail(base::ErrorCode::kLimit,
                          fmt::format("{} has {} bytes, more than {}", path, size, limit));
    }
    base::Bytes contents(size, '\0');
    ASSIGN_OR_RETURN(size_t read, file->ReadAt(0, contents));
    contents.resize(read);
    return contents;
}

base::Result<void> ReplaceFileDurably(Files& files, const std::string& path,
                                      base::ByteView contents) {
    std::string next = path + ".next";
    {
        ASSIGN_OR_RETURN(auto file, files.Open(next, OpenMode::kReadWrite));
        RETURN_IF_ERROR(file->Truncate(0));
        RETURN_IF_ERROR(file->WriteAt(0, contents));
        RETURN_IF_ERROR(file->Sync());
    }
    RETURN_IF_ERROR(files.Rename(next, path));
    size_t slash = path.rfind('/');
    return files.SyncDirectory(slash == std::string::npos ? "." : path.substr(0, slash));
}

}  // namespace wellhead::env
