#include "server/result_table.h"

#include <fmt/format.h>

#include <algorithm>

namespace wellhead::server {

namespace {

// What a terminal would act on is shown, not sent.
std::string Shown(const std::optional<std::string>& cell) {
    if (!cell) return "NULL";
    std::string out;
    for (char c : *cell) {
        auto byte = static_cast<unsigned char>(c);
        if (c == '\n') {
            out += "\\n";
        } else if (c == '\t') {
            out += "\\t";
        } else if (byte < 0x20 || byte == 0x7f) {
            out += fmt::format("\\x{:02x}", byte);
        } else {
            out.push_back(c);
        }
    }
    return out;
}

// In code points: what a terminal takes for most scripts.
size_t Width(std::string_view text) {
    return static_cast<size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xc0) != 0x80; }));
}

std::string Padded(std::string text, size_t width, bool right) {
    size_t missing = width - std::min(width, Width(text));
    return right ? std::string(missing, ' ') + text : text + std::string(missing, ' ');
}

}  // namespace

ResultTable::ResultTable(std::vector<ResultColumn> columns, const std::vector<Cells>& first_rows)
    : columns_(std::move(columns)) {
    for (const auto& column : columns_) widths_.push_back(Width(Shown(column.name)));
    for (const auto& row : first_rows) {
        for (size_t i = 0; i < columns_.size() && i < row.size(); ++i) {
            widths_[i] = std::max(widths_[i], Width(Shown(row[i])));
        }
    }
}

std::string ResultTable::Header() const {
    std::string names;
    std::string rule;
    for (size_t i = 0; i < columns_.size(); ++i) {
        names += (i == 0 ? " " : " | ") + Padded(Shown(columns_[i].name), widths_[i], false);
        rule += (i == 0 ? "" : "+") + std::string(widths_[i] + 2, '-');
    }
    return names + "\n" + rule + "\n";
}

std::string ResultTable::Line(const Cells& row) const {
    std::string line;
    for (size_t i = 0; i < columns_.size(); ++i) {
        std::string cell = i < row.size() ? Shown(row[i]) : "";
        line += (i == 0 ? " " : " | ") + Padded(std::move(cell), widths_[i], columns_[i].numeric);
    }
    return line + "\n";
}

std::string CsvLine(const Cells& row) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
        if (i > 0) line.push_back(',');
        if (!row[i]) continue;
        const std::string& cell = *row[i];
        if (!cell.empty() && cell.find_first_of(",\"\r\n") == std::string::npos) {
            line += cell;
            continue;
        }
        line.push_back('"');
        for (char c : cell) {
            if (c == '"') line.push_back('"');
            line.push_back(c);
        }
        line.push_back('"');
    }
    return line + "\r\n";
}

}  // namespace wellhead::server
