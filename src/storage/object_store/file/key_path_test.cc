#include "storage/object_store/file/key_path.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace wellhead::storage::file {
namespace {

TEST(KeyPath, HivePartitionsAndExtensionsStayReadable) {
    EXPECT_EQ(PathOfObject("year=2026/month=11/part-0.parquet", 0x1a), "year=2026/month=11/part-0~1a.parquet");
    EXPECT_EQ(PathOfObject("logs/a.json.gz", 1), "logs/a~1.json.gz");
    EXPECT_EQ(PathOfObject("plain", 1), "plain~1");
}

TEST(KeyPath, HostileKeysStayInsideAndComeBack) {
    const std::string nul("a\0b", 3);
    const std::vector<std::pair<std::string, std::string>> cases = {
        {"", "%~1"},
        {"/", "%/%~1"},
        {"a/", "a/%~1"},
        {"a//b", "a/%/b~1"},
        {"..", "%2E~1."},
        {"../../etc/passwd", "%2E./%2E./etc/passwd~1"},
        {".", "%2E~1"},
        {nul, "a%00b~1"},
        {"a~1", "a%7E1~1"},
        {"100%", "100%25~1"},
        {"*?[x]{}", "%2A%3F%5Bx%5D%7B%7D~1"},
        {"\xc3\xa4", "%C3%A4~1"},
    };
    for (const auto& [key, path] : cases) {
        EXPECT_EQ(PathOfObject(key, 1), path);
        EXPECT_EQ(ObjectOfPath(path), (ObjectName{key, 1})) << path;
    }
}

TEST(KeyPath, OnlyTheOneSpellingIsAccepted) {
    for (const char* path : {"", "a", "a~", "a~01", "a~1A", "a~g", "%61~1", "a/../b~1", "./a~1", "%2e~1", "a~1~2",
                             "~1", "a%~1", "a%4~1", "a/~1", "/a~1", "a~1.x~2", "a~/b~1", "a~11112222333344445"}) {
        EXPECT_EQ(ObjectOfPath(path), std::nullopt) << path;
    }
}

// No name of the file system is longer than 255 bytes and no file's path is a directory of another's.
TEST(KeyPath, RandomKeysComeBackAndDoNotMeet) {
    std::mt19937 seeded(7);  // NOLINT: a test's own sequence
    std::set<std::string> files;
    std::set<std::string> directories;
    std::set<std::string> keys;
    const std::string alphabet("a.b/~%.\0\xff=", 11);
    for (int i = 0; i < 20000; ++i) {
        std::string key;
        size_t length = seeded() % (i % 100 == 0 ? 1024 : 8);
        for (size_t j = 0; j < length; ++j) key += alphabet[seeded() % alphabet.size()];
        if (!keys.insert(key).second) continue;
        std::string path = PathOfObject(key, 9);
        ASSERT_EQ(ObjectOfPath(path), (ObjectName{key, 9}));
        EXPECT_TRUE(files.insert(path).second);
        size_t begin = 0;
        for (size_t at = 0; at <= path.size(); ++at) {
            if (at < path.size() && path[at] != '/') continue;
            std::string name = path.substr(begin, at - begin);
            EXPECT_LE(name.size(), 255u);
            EXPECT_FALSE(name.empty() || name == "." || name == "..");
            if (at < path.size()) directories.insert(path.substr(0, at));
            begin = at + 1;
        }
    }
    for (const auto& file : files) EXPECT_FALSE(directories.contains(file)) << file;
}

}  // namespace
}  // namespace wellhead::storage::file
