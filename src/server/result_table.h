#pragma once
// Rows of a query as text for people or for programs.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wellhead::server {

using Cells = std::vector<std::optional<std::string>>;  // nothing: NULL

struct ResultColumn {
    std::string name;
    bool numeric = false;  // aligned to the right
};

// Widths follow from the header and the first rows given; what comes later and is wider stands out.
class ResultTable {
  public:
    ResultTable(std::vector<ResultColumn> columns, const std::vector<Cells>& first_rows);
    std::string Header() const;
    std::string Line(const Cells& row) const;

  private:
    std::vector<ResultColumn> columns_;
    std::vector<size_t> widths_;
};

// A line of RFC 4180; NULL is empty and '' is quoted.
std::string CsvLine(const Cells& row);

}  // namespace wellhead::server
