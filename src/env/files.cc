#include "env/files.h"

#include <fmt/format.h>

#include <algorithm>

namespace wellhead::env {

base::Result<void> File::CopyFrom(File& source, uint64_t source_offset, uint64_t offset,
                                  uint64_t length) {
    base::Bytes piece;
    while (length > 0) {
        piece.resize(std::min<uint64_t>(length, 1 << 20));
        ASSIGN_OR_RETURN(size_t read, source.ReadAt(source_offset, piece));
        if (read == 0) return base::Fail(base::ErrorCode::kIo, "copy: the source is shorter than said");
        RETURN_IF_ERROR(WriteAt(offset, base::ByteView(piece).substr(0, read)));
        source_offset += read;
        offset += read;
        length -= read;
    }
    return {};
}

base::Result<void> Files::Link(const std::string& from, const std::string&) {
    return base::Fail(base::ErrorCode::kUnsupported, "link " + from + ": no links here");
}

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
