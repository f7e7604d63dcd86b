#include "query/duckdb/json_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace wellhead::query::duckdb {
namespace {
constexpr size_t kMaxDepth = 64;
constexpr size_t kMaxRecordBytes = size_t{10} << 20;
}  // namespace

JsonRows::JsonRows(const ParquetJob& job) : job_(job), seen_(job.columns.size()), parser_(kMaxRecordBytes) {
    size_t longest = 0;
    for (const std::string_view record : job.records) longest = std::max(longest, record.size());
    padded_.resize(longest + simdjson::SIMDJSON_PADDING);
    [[maybe_unused]] const auto allocated = parser_.allocate(std::max<size_t>(longest, 64), kMaxDepth);
    for (size_t i = 0; i < job.columns.size(); ++i) {
        columns_.emplace_back(job.columns[i].type, &job.timestamp_formats);
        const auto mapped = job.key_of_column.find(job.columns[i].name);
        std::string key = mapped == job.key_of_column.end() ? job.columns[i].name : mapped->second;
        if (job.case_insensitive) {
            std::transform(key.begin(), key.end(), key.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
        }
        keys_.push_back({std::move(key), i});
    }
}

void JsonRows::Refuse(BadRecord::Kind kind, std::string reason) {
    report_.bad.push_back({next_, kind, std::move(reason)});
}

size_t JsonRows::FindColumn(std::string_view key) {
    const auto find = [this](std::string_view text) {
        for (size_t i = 0; i < keys_.size(); ++i) {
            size_t at = hint_ + i;
            if (at >= keys_.size()) at -= keys_.size();
            if (keys_[at].text == text) {
                hint_ = at + 1 == keys_.size() ? 0 : at + 1;
                return keys_[at].column;
            }
        }
        return keys_.size();
    };
    size_t column = find(key);
    if (column < keys_.size() || (!job_.case_insensitive && !job_.dots_to_underscores)) return column;
    folded_ = key;
    for (char& c : folded_) {
        if (job_.case_insensitive && c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
        if (job_.dots_to_underscores && c == '.') c = '_';
    }
    return folded_ == key ? column : find(folded_);
}

bool JsonRows::PutMember(idx_t row, std::string_view key, const simdjson::dom::element& value, std::string& reason) {
    const size_t column = FindColumn(key);
    if (column == keys_.size()) return true;  // the table has no such column: dropped, as the SerDe does
    seen_[column] = 1;
    if (columns_[column].Put(row, value, reason)) return true;
    reason = fmt::format("column {}: {}", job_.columns[column].name, reason);
    return false;
}

bool JsonRows::PutRecord(idx_t row, std::string_view record) {
    std::memcpy(padded_.data(), record.data(), record.size());
    std::memset(padded_.data() + record.size(), ' ', simdjson::SIMDJSON_PADDING);
    simdjson::dom::element root;
    if (const auto error = parser_.parse(padded_.data(), record.size(), false).get(root)) {
        Refuse(BadRecord::Kind::kNotJson, simdjson::error_message(error));
        return false;
    }
    simdjson::dom::object object;
    if (root.get(object) != simdjson::SUCCESS) {
        Refuse(BadRecord::Kind::kNotJson, "the record is not a JSON object");
        return false;
    }
    std::fill(seen_.begin(), seen_.end(), uint8_t{0});
    for (JsonColumn& column : columns_) column.Mark();
    std::string reason;
    hint_ = 0;
    for (const auto& [key, value] : object) {
        if (PutMember(row, key, value, reason)) continue;
        for (JsonColumn& column : columns_) column.Rewind();
        Refuse(BadRecord::Kind::kDoesNotFit, std::move(reason));
        return false;
    }
    for (size_t i = 0; i < columns_.size(); ++i) {
        if (seen_[i] == 0) columns_[i].PutNull(row);
    }
    return true;
}

void JsonRows::Fill(duckdb_data_chunk chunk) {
    for (size_t i = 0; i < columns_.size(); ++i) columns_[i].Attach(duckdb_data_chunk_get_vector(chunk, i));
    idx_t row = 0;
    const idx_t most = duckdb_vector_size();
    for (; row < most && next_ < job_.records.size(); ++next_) {
        if (PutRecord(row, job_.records[next_])) ++row;
    }
    report_.rows += row;
    duckdb_data_chunk_set_size(chunk, row);
}

}  // namespace wellhead::query::duckdb
