#pragma once
// How the keys under a crawler's path make tables and partitions. Pure: keys in, layout out.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace wellhead::services::glue {

struct CrawledObject {
    std::string key;
    uint64_t size_bytes = 0;
    int64_t modified_ms = 0;
};

struct TableLayout {
    std::string name;                     // of the folder, as a table is named
    std::string prefix;                   // key prefix, with "/" at its end, or "" for the whole bucket
    std::vector<std::string> partition_keys;
    // Values -> the partition's prefix.
    std::map<std::vector<std::string>, std::string> partitions;
    std::vector<CrawledObject> objects;
};

// prefix: the crawler's path without the bucket. Folders that read key=value, or whose names are numbers (Firehose's
// YYYY/MM/DD/HH), are partitions; any other folder directly below is a table of its own. Objects whose name, or one of
// whose folders, begins with "." or "_" are passed over, and so are empty ones and those at another depth than most.
std::vector<TableLayout> LayOut(const std::string& bucket, const std::string& prefix,
                                const std::vector<CrawledObject>& objects);

// Lower-case, and _ for what is neither letter nor digit.
std::string TableName(const std::string& folder);
// %41 -> A; what is no escape stays.
std::string DecodePercent(const std::string& text);

}  // namespace wellhead::services::glue
