#pragma once
// Rows out of a result's CSV, as Athena writes it: every value quoted, NULL as nothing at all.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wellhead::services::athena {

using CsvRow = std::vector<std::optional<std::string>>;

// Takes whole rows from the front of text, at most limit; consumed: their bytes. last: the text has the file's end.
std::vector<CsvRow> TakeRows(std::string_view text, size_t limit, bool last, size_t& consumed);

}  // namespace wellhead::services::athena
