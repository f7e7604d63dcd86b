#pragma once
// The glob patterns of a crawler's Exclusions: * ? within a folder, ** across folders, {a,b}, [a-z].

#include <string_view>

namespace wellhead::services::glue {

bool MatchesGlob(std::string_view path, std::string_view pattern);

}  // namespace wellhead::services::glue
