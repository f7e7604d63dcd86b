#include "services/athena/result_page.h"

namespace wellhead::services::athena {

std::vector<CsvRow> TakeRows(std::string_view text, size_t limit, bool last, size_t& consumed) {
    std::vector<CsvRow> rows;
    consumed = 0;
    size_t at = 0;
    while (rows.size() < limit && at < text.size()) {
        CsvRow row(1);
        bool ended = false;
        while (at < text.size() && !ended) {
            const char c = text[at++];
            if (c == '"') {
                if (!row.back()) row.back().emplace();
                while (at < text.size()) {
                    const size_t quote = text.find('"', at);
                    if (quote == std::string_view::npos) {
                        at = text.size();
                        break;
                    }
                    row.back()->append(text, at, quote - at);
                    at = quote + 1;
                    if (at >= text.size() || text[at] != '"') break;
                    row.back()->push_back('"');
                    ++at;
                }
            } else if (c == ',') {
                row.emplace_back();
            } else if (c == '\n') {
                ended = true;
            } else {
                if (!row.back()) row.back().emplace();
                row.back()->push_back(c);
            }
        }
        if (!ended && !last) break;
        rows.push_back(std::move(row));
        consumed = at;
    }
    return rows;
}

}  // namespace wellhead::services::athena
