#pragma once
// The files of the built page, linked into the program.

#include <span>
#include <string_view>

namespace wellhead::services::console {

struct PageFile {
    std::string_view path;  // "/assets/index-abc.js"; "/index.html"
    std::string_view content_type;
    std::string_view etag;  // with quotes
    std::string_view plain;
    std::string_view gzip;  // empty where it would not be smaller
    bool immutable = false;  // its name changes with its contents
};

// Defined by the library wellhead_console_page, generated from console/.
std::span<const PageFile> BuiltPage();

}  // namespace wellhead::services::console
