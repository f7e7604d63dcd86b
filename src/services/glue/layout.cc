#include "services/glue/layout.h"

#include <algorithm>

namespace wellhead::services::glue {
namespace {

std::vector<std::string> Folders(const std::string& path) {
    std::vector<std::string> parts;
    size_t from = 0;
    for (size_t slash = path.find('/'); slash != std::string::npos; slash = path.find('/', from)) {
        parts.push_back(path.substr(from, slash - from));
        from = slash + 1;
    }
    return parts;
}

bool IsHidden(const std::string& name) { return name.empty() || name[0] == '.' || name[0] == '_'; }

bool IsNumber(const std::string& text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool IsHive(const std::string& folder) {
    const size_t equals = folder.find('=');
    return equals != std::string::npos && equals > 0;
}

bool IsPartition(const std::string& folder) { return IsHive(folder) || IsNumber(folder); }

// Names of the partition keys that these folders spell.
std::vector<std::string> KeysOf(const std::vector<std::string>& folders) {
    std::vector<std::string> keys;
    for (size_t i = 0; i < folders.size(); ++i) {
        const size_t equals = folders[i].find('=');
        keys.push_back(IsHive(folders[i]) ? TableName(folders[i].substr(0, equals)) : "partition_" + std::to_string(i));
    }
    return keys;
}

TableLayout LayOutTable(std::string name, const std::string& prefix, const std::vector<CrawledObject>& objects) {
    TableLayout table;
    table.name = std::move(name);
    table.prefix = prefix;
    // The folders that most objects agree on.
    std::map<std::vector<std::string>, size_t> votes;
    for (const CrawledObject& object : objects) ++votes[KeysOf(Folders(object.key.substr(prefix.size())))];
    const auto most = std::max_element(votes.begin(), votes.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
    if (most != votes.end()) table.partition_keys = most->first;
    for (const CrawledObject& object : objects) {
        const std::vector<std::string> folders = Folders(object.key.substr(prefix.size()));
        if (KeysOf(folders) != table.partition_keys) continue;
        table.objects.push_back(object);
        if (folders.empty()) continue;
        std::vector<std::string> values;
        for (const std::string& folder : folders) {
            values.push_back(IsHive(folder) ? DecodePercent(folder.substr(folder.find('=') + 1)) : folder);
        }
        table.partitions.emplace(std::move(values), object.key.substr(0, object.key.rfind('/') + 1));
    }
    return table;
}

std::string LastFolder(const std::string& prefix, const std::string& otherwise) {
    if (prefix.empty()) return otherwise;
    const size_t end = prefix.size() - 1;
    const size_t slash = prefix.rfind('/', end - 1);
    return slash == std::string::npos || end == 0 ? prefix.substr(0, end) : prefix.substr(slash + 1, end - slash - 1);
}

}  // namespace

std::string DecodePercent(const std::string& text) {
    const auto digit = [](char c) {
        return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
    };
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 && digit(text[i + 2]) >= 0) {
            out += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
            i += 2;
        } else {
            out += text[i];
        }
    }
    return out;
}

std::string TableName(const std::string& folder) {
    std::string out;
    for (const char c : folder) {
        if (c >= 'A' && c <= 'Z') out += static_cast<char>(c - 'A' + 'a');
        else out += (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c : '_';
    }
    return out.empty() ? "_" : out;
}

std::vector<TableLayout> LayOut(const std::string& bucket, const std::string& prefix, const std::vector<CrawledObject>& objects) {
    std::vector<CrawledObject> own;                            // of a table at prefix
    std::map<std::string, std::vector<CrawledObject>> below;  // by first folder
    for (const CrawledObject& object : objects) {
        const std::string rest = object.key.substr(prefix.size());
        const std::vector<std::string> folders = Folders(rest);
        const bool hidden = IsHidden(rest.substr(rest.rfind('/') + 1)) || std::any_of(folders.begin(), folders.end(), IsHidden);
        if (object.size_bytes == 0 || hidden) continue;
        const bool partitioned = std::all_of(folders.begin(), folders.end(), IsPartition);
        if (partitioned) own.push_back(object);
        else below[folders[0]].push_back(object);
    }
    std::vector<TableLayout> tables;
    if (!own.empty()) tables.push_back(LayOutTable(TableName(LastFolder(prefix, bucket)), prefix, own));
    for (const auto& [folder, files] : below) {
        tables.push_back(LayOutTable(TableName(folder), prefix + folder + "/", files));
    }
    return tables;
}

}  // namespace wellhead::services::glue
