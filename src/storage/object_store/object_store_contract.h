#pragma once
// What every ObjectStore promises, as tests. object_store_test.cc runs them on each implementation.

#include <gtest/gtest.h>

#include <memory>

#include "codec/crc.h"
#include "env/run_task.h"
#include "storage/object_store/object_store.h"

namespace wellhead::storage {

using env::RunTask;

// A store and what it stands on.
class StoreFixture {
  public:
    virtual ~StoreFixture() = default;
    virtual ObjectStore& store() = 0;
};
using StoreFactory = std::unique_ptr<StoreFixture> (*)();

inline env::Task<base::Result<ObjectMetadata>> PutPieces(ObjectStore& store, std::string bucket,
                                                         base::Bytes key, std::vector<base::Bytes> pieces,
                                                         base::Bytes attributes = {},
                                                         ObjectCondition condition = {}) {
    auto writer = store.NewWriter(bucket);
    for (auto& piece : pieces) {
        auto written = co_await writer->Write(std::move(piece));
        if (!written) co_return std::unexpected(written.error());
    }
    co_return co_await writer->Commit(std::move(key), std::move(attributes), condition);
}

inline base::Bytes ContentsOf(const Object& object) {
    auto file = object.Open().value();
    base::Bytes contents(file->Size().value(), '\0');
    EXPECT_EQ(file->ReadAt(0, contents).value(), contents.size());
    return contents;
}

class ObjectStoreContract : public testing::TestWithParam<StoreFactory> {
  protected:
    void SetUp() override { ASSERT_TRUE(RunTask(store_.CreateBucket("b", "attributes of b"))); }

    base::Result<ObjectMetadata> Put(base::Bytes key, base::Bytes contents, base::Bytes attributes = {},
                                     ObjectCondition condition = {}) {
        std::vector<base::Bytes> pieces{std::move(contents)};
        return RunTask(PutPieces(store_, "b", std::move(key), std::move(pieces), std::move(attributes), condition));
    }
    std::shared_ptr<const Object> Get(base::Bytes key) {
        return RunTask(store_.Get("b", std::move(key))).value_or(nullptr);
    }
    std::optional<base::Bytes> Read(base::Bytes key) {
        auto object = Get(std::move(key));
        if (object == nullptr) return std::nullopt;
        return ContentsOf(*object);
    }
    std::vector<base::Bytes> Keys(ObjectRange range) {
        std::vector<base::Bytes> keys;
        auto entries = RunTask(store_.List("b", std::move(range)));
        for (auto& entry : entries.value()) keys.push_back(entry.key);
        return keys;
    }

    std::unique_ptr<StoreFixture> fixture_ = GetParam()();
    ObjectStore& store_ = fixture_->store();
};

using ByteStrings = std::vector<base::Bytes>;

TEST_P(ObjectStoreContract, AnObjectComesBackWithItsMetadata) {
    auto put = Put("k", "contents", "attributes");
    ASSERT_TRUE(put);
    auto object = Get("k");
    ASSERT_NE(object, nullptr);
    EXPECT_EQ(ContentsOf(*object), "contents");
    EXPECT_EQ(object->metadata().size_bytes, 8u);
    EXPECT_EQ(object->metadata().attributes, "attributes");
    EXPECT_EQ(object->metadata().generation, put->generation);
    EXPECT_EQ(object->metadata().crc64nvme, codec::Crc64Nvme("contents"));
    EXPECT_TRUE(object->Verify());
}

TEST_P(ObjectStoreContract, WhatIsNotThereIsNotFound) {
    EXPECT_EQ(RunTask(store_.Get("b", "none")).error().code, base::ErrorCode::kNotFound);
    EXPECT_EQ(RunTask(store_.Get("none", "k")).error().code, base::ErrorCode::kNotFound);
    EXPECT_EQ(RunTask(store_.GetBucket("none")).error().code, base::ErrorCode::kNotFound);
    EXPECT_EQ(RunTask(store_.Delete("b", "none", {})).error().code, base::ErrorCode::kNotFound);
    EXPECT_EQ(RunTask(store_.DeleteBucket("none")).error().code, base::ErrorCode::kNotFound);
    auto put = RunTask(PutPieces(store_, "none", "k", {"x"}));
    EXPECT_EQ(put.error().code, base::ErrorCode::kNotFound);
}

TEST_P(ObjectStoreContract, EmptyAndLargeObjectsComeBackWhole) {
    ASSERT_TRUE(Put("empty", ""));
    EXPECT_EQ(Read("empty"), "");
    std::vector<base::Bytes> pieces;
    base::Bytes whole;
    for (int i = 0; i < 50; ++i) {
        pieces.push_back(base::Bytes(100'003, static_cast<char>('a' + i % 26)));
        whole += pieces.back();
    }
    auto put = RunTask(PutPieces(store_, "b", "large", std::move(pieces)));
    ASSERT_TRUE(put);
    EXPECT_EQ(put->size_bytes, whole.size());
    EXPECT_EQ(put->crc64nvme, codec::Crc64Nvme(whole));
    EXPECT_EQ(Read("large"), whole);
}

TEST_P(ObjectStoreContract, HostileKeysAreKeysLikeOthers) {
    const ByteStrings keys = {"a",  "a/",  "a/b",      "a/b/",         "a//b",  "/",      "//", "/a", "..",
                              ".",  "../", "../../x",  "a/../b",       "A",     "a~1",    "%",  "%61", "a b",
                              base::Bytes("a\0b", 3), "\xff\xfe", "year=2026/month=11/p.parquet", std::string(1024, 'k'),
                              std::string(1024, '/'), std::string(300, 'x') + "/" + std::string(700, '\x01')};
    auto sorted = keys;
    std::sort(sorted.begin(), sorted.end());
    for (size_t padding : {0u, 20'000u}) {
        const base::Bytes tail(padding, '.');
        for (const auto& key : keys) ASSERT_TRUE(Put(key, key + tail)) << key;
        for (const auto& key : keys) EXPECT_EQ(Read(key), key + tail) << key;
        EXPECT_EQ(Keys({}), sorted);
        for (const auto& key : keys) ASSERT_TRUE(RunTask(store_.Delete("b", key, {}))) << key;
        EXPECT_TRUE(Keys({}).empty());
    }
    EXPECT_TRUE(RunTask(store_.DeleteBucket("b")));
}

TEST_P(ObjectStoreContract, AListIsAPrefixInByteOrderFromAKeyOn) {
    for (const char* key : {"b/2", "a", "b/1", "b", "c", "b0"}) ASSERT_TRUE(Put(key, key));
    EXPECT_EQ(Keys({}), (ByteStrings{"a", "b", "b/1", "b/2", "b0", "c"}));
    EXPECT_EQ(Keys({"b/", "", 1000}), (ByteStrings{"b/1", "b/2"}));
    EXPECT_EQ(Keys({"b/", "b/2", 1000}), (ByteStrings{"b/2"}));
    EXPECT_EQ(Keys({"b", "a", 2}), (ByteStrings{"b", "b/1"}));
    EXPECT_EQ(Keys({"", "b1", 1000}), (ByteStrings{"c"}));
    EXPECT_EQ(Keys({"", "", 0}), ByteStrings{});
    EXPECT_TRUE(RunTask(store_.List("none", {})).value().empty());
}

TEST_P(ObjectStoreContract, AReaderKeepsTheVersionItGot) {
    ASSERT_TRUE(Put("k", "old", "1"));
    auto old = Get("k");
    ASSERT_TRUE(Put("k", "newer", "2"));
    EXPECT_EQ(ContentsOf(*old), "old");
    EXPECT_EQ(old->metadata().attributes, "1");
    EXPECT_EQ(Read("k"), "newer");
    ASSERT_TRUE(RunTask(store_.Delete("b", "k", {})));
    EXPECT_EQ(ContentsOf(*old), "old");
    EXPECT_EQ(Get("k"), nullptr);
}

TEST_P(ObjectStoreContract, ConditionsAreHeld) {
    using Kind = ObjectCondition::Kind;
    auto first = Put("k", "1", "", {Kind::kAbsent, 0});
    ASSERT_TRUE(first);
    EXPECT_EQ(Put("k", "2", "", {Kind::kAbsent, 0}).error().code, base::ErrorCode::kConflict);
    EXPECT_EQ(Put("other", "2", "", {Kind::kGeneration, 1}).error().code, base::ErrorCode::kConflict);
    auto second = Put("k", "2", "", {Kind::kGeneration, first->generation});
    ASSERT_TRUE(second);
    EXPECT_EQ(Put("k", "3", "", {Kind::kGeneration, first->generation}).error().code, base::ErrorCode::kConflict);
    EXPECT_EQ(Read("k"), "2");
    EXPECT_EQ(RunTask(store_.Delete("b", "k", {Kind::kGeneration, first->generation})).error().code,
              base::ErrorCode::kConflict);
    EXPECT_TRUE(RunTask(store_.Delete("b", "k", {Kind::kGeneration, second->generation})));
}

TEST_P(ObjectStoreContract, AttributesChangeAloneAndOnlyForTheirVersion) {
    auto put = Put("k", "contents", "one");
    ASSERT_TRUE(put);
    ASSERT_TRUE(RunTask(store_.SetAttributes("b", "k", put->generation, "two")));
    auto object = Get("k");
    EXPECT_EQ(object->metadata().attributes, "two");
    EXPECT_EQ(object->metadata().generation, put->generation);
    EXPECT_EQ(object->metadata().modified, put->modified);
    EXPECT_EQ(ContentsOf(*object), "contents");
    ASSERT_TRUE(Put("k", "again"));
    EXPECT_EQ(RunTask(store_.SetAttributes("b", "k", put->generation, "x")).error().code,
              base::ErrorCode::kConflict);
    EXPECT_EQ(RunTask(store_.SetAttributes("b", "none", 1, "x")).error().code, base::ErrorCode::kNotFound);
}

TEST_P(ObjectStoreContract, NamedVersionsStayAndTheCurrentOneIsTheNewest) {
    for (const base::Bytes& key : {base::Bytes("k"), base::Bytes("k\0", 2), base::Bytes("large")}) {
        const base::Bytes tail(key == "large" ? 20'000 : 0, '.');
        auto put = [&](base::Bytes contents, Naming naming) {
            auto writer = store_.NewWriter("b");
            EXPECT_TRUE(RunTask(writer->Write(contents + tail)));
            return RunTask(writer->Commit(key, "", {}, naming)).value();
        };
        auto read = [&](uint64_t version) -> base::Bytes {
            auto object = RunTask(store_.Get("b", key, version));
            return object ? ContentsOf(**object) : "none";
        };
        auto versions = [&] {
            ObjectRange range;
            range.prefix = key;
            range.versions = true;
            std::vector<std::pair<uint64_t, bool>> out;
            auto entries = RunTask(store_.List("b", range)).value();
            for (const auto& entry : entries) {
                if (entry.key == key) out.emplace_back(entry.metadata.version, entry.tombstone);
            }
            return out;
        };
        using Rows = std::vector<std::pair<uint64_t, bool>>;
        const uint64_t zero = put("unnamed", Naming::kUnnamed).version;
        const uint64_t one = put("one", Naming::kNamed).version;
        const uint64_t two = put("two", Naming::kNamed).version;
        EXPECT_EQ(versions(), (Rows{{two, false}, {one, false}, {zero, false}}));
        EXPECT_EQ(read(kCurrentVersion), "two" + tail);
        EXPECT_EQ(read(one), "one" + tail);
        EXPECT_EQ(read(kUnnamedVersion), "unnamed" + tail);
        auto removed = RunTask(store_.Delete("b", key, {}, {Removal::Kind::kTombstone, 0, Naming::kNamed})).value();
        EXPECT_TRUE(removed.tombstone);
        EXPECT_EQ(read(kCurrentVersion), "none");
        EXPECT_EQ(RunTask(store_.DeleteBucket("b")).error().code, base::ErrorCode::kConflict);
        // An unnamed write takes the place of the unnamed version and leaves the rest.
        const uint64_t again = put("again", Naming::kUnnamed).version;
        const uint64_t tombstone = removed.metadata.version;
        EXPECT_EQ(versions(), (Rows{{again, false}, {tombstone, true}, {two, false}, {one, false}}));
        auto remove = [&](uint64_t version) {
            return RunTask(store_.Delete("b", key, {}, {Removal::Kind::kVersion, version, Naming::kUnnamed}));
        };
        ASSERT_TRUE(remove(kUnnamedVersion));
        EXPECT_EQ(read(kCurrentVersion), "none");
        ASSERT_TRUE(remove(tombstone));
        EXPECT_EQ(read(kCurrentVersion), "two" + tail);
        ASSERT_TRUE(remove(two));
        EXPECT_EQ(read(kCurrentVersion), "one" + tail);
        EXPECT_EQ(remove(two).error().code, base::ErrorCode::kNotFound);
        ASSERT_TRUE(remove(one));
        EXPECT_EQ(versions(), Rows{});
    }
    EXPECT_TRUE(RunTask(store_.DeleteBucket("b")));
}

TEST_P(ObjectStoreContract, VersionsAreListedByPages) {
    auto put = [&](base::Bytes key) {
        auto writer = store_.NewWriter("b");
        EXPECT_TRUE(RunTask(writer->Write(key)));
        EXPECT_TRUE(RunTask(writer->Commit(key, "", {}, Naming::kNamed)));
    };
    for (int i = 0; i < 3; ++i) {
        for (const char* key : {"a", "ab", "b", "c/d"}) put(key);
    }
    ASSERT_TRUE(RunTask(store_.Delete("b", "ab", {}, {Removal::Kind::kTombstone, 0, Naming::kNamed})));
    ObjectRange range;
    range.versions = true;
    auto whole = RunTask(store_.List("b", range)).value();
    ASSERT_EQ(whole.size(), 13u);
    for (size_t limit : {1u, 2u, 5u}) {
        range = {};
        range.versions = true;
        range.limit = limit;
        std::vector<ObjectEntry> pages;
        for (;;) {
            auto page = RunTask(store_.List("b", range)).value();
            if (page.empty()) break;
            range.first = page.back().key;
            range.below = page.back().metadata.version;
            pages.insert(pages.end(), page.begin(), page.end());
        }
        ASSERT_EQ(pages.size(), whole.size());
        for (size_t i = 0; i < whole.size(); ++i) {
            EXPECT_EQ(pages[i].key, whole[i].key);
            EXPECT_EQ(pages[i].metadata.version, whole[i].metadata.version);
        }
    }
}

TEST_P(ObjectStoreContract, PartsAreComposedIntoOneObject) {
    ASSERT_TRUE(Put("1", std::string(100'000, 'a')));
    ASSERT_TRUE(Put("2", ""));
    ASSERT_TRUE(Put("3", "tail"));
    std::vector<std::shared_ptr<const Object>> sources{Get("1"), Get("2"), Get("3")};
    auto composed = RunTask(store_.Compose(sources, "b", "whole", "attributes", {}));
    ASSERT_TRUE(composed);
    const base::Bytes whole = std::string(100'000, 'a') + "tail";
    EXPECT_EQ(composed->size_bytes, whole.size());
    EXPECT_EQ(composed->crc64nvme, codec::Crc64Nvme(whole));
    for (const char* key : {"1", "2", "3"}) ASSERT_TRUE(RunTask(store_.Delete("b", key, {})));
    EXPECT_EQ(Read("whole"), whole);
    EXPECT_TRUE(Get("whole")->Verify());
    EXPECT_EQ(Get("whole")->metadata().attributes, "attributes");
}

TEST_P(ObjectStoreContract, ALargeCopyOutlivesItsSource) {
    const base::Bytes contents(20'000, 'x');
    ASSERT_TRUE(Put("k", contents));
    std::vector<std::shared_ptr<const Object>> source{Get("k")};
    ASSERT_TRUE(RunTask(store_.Compose(source, "b", "copy", "c", {})));
    source.clear();
    ASSERT_TRUE(RunTask(store_.Delete("b", "k", {})));
    EXPECT_EQ(Read("copy"), contents);
}

TEST_P(ObjectStoreContract, ACopyOutlivesItsSource) {
    ASSERT_TRUE(Put("k", "contents"));
    std::vector<std::shared_ptr<const Object>> source{Get("k")};
    ASSERT_TRUE(RunTask(store_.Compose(source, "b", "copy", "c", {})));
    ASSERT_TRUE(RunTask(store_.Compose(source, "b", "k", "self", {})));
    EXPECT_EQ(Get("k")->metadata().attributes, "self");
    source.clear();
    ASSERT_TRUE(RunTask(store_.Delete("b", "k", {})));
    EXPECT_EQ(Read("copy"), "contents");
    EXPECT_EQ(RunTask(store_.Compose({Get("copy")}, "none", "k", "", {})).error().code, base::ErrorCode::kNotFound);
}

TEST_P(ObjectStoreContract, BucketsAreListedAndDeletedWhenEmpty) {
    EXPECT_EQ(RunTask(store_.CreateBucket("b", "")).error().code, base::ErrorCode::kAlreadyExists);
    ASSERT_TRUE(RunTask(store_.CreateBucket("a.c-d", "x")));
    auto buckets = RunTask(store_.ListBuckets()).value();
    ASSERT_EQ(buckets.size(), 2u);
    EXPECT_EQ(buckets[0].name, "a.c-d");
    EXPECT_EQ(buckets[1].attributes, "attributes of b");
    ASSERT_TRUE(Put("k", "x"));
    EXPECT_EQ(RunTask(store_.DeleteBucket("b")).error().code, base::ErrorCode::kConflict);
    ASSERT_TRUE(RunTask(store_.Delete("b", "k", {})));
    ASSERT_TRUE(RunTask(store_.DeleteBucket("b")));
    EXPECT_EQ(RunTask(store_.ListBuckets()).value().size(), 1u);
    ASSERT_TRUE(RunTask(store_.CreateBucket("b", "")));
    EXPECT_TRUE(Keys({}).empty());
}

inline env::Task<void> ClaimKey(ObjectStore& store, std::string body, int& winners) {
    std::vector<base::Bytes> pieces{body};
    ObjectCondition absent{ObjectCondition::Kind::kAbsent, 0};
    auto put = co_await PutPieces(store, "b", "claimed", std::move(pieces), body, absent);
    if (put) ++winners;
}

TEST_P(ObjectStoreContract, OfManyWritersThatWantAKeyToBeNewOneWins) {
    boost::asio::io_context io;
    env::Scope scope;
    int winners = 0;
    for (int i = 0; i < 20; ++i) {
        env::Spawn(scope, io.get_executor(), "claim", ClaimKey(store_, "body " + std::to_string(i), winners));
    }
    io.run();
    EXPECT_EQ(winners, 1);
    EXPECT_EQ(Read("claimed"), Get("claimed")->metadata().attributes);
}

// Bodies name themselves in their attributes: a reader that sees those of one version with the contents of another,
// or half of one, has met a torn object.
inline env::Task<void> Overwrite(ObjectStore& store, char letter, int rounds, int& failures) {
    for (int i = 0; i < rounds; ++i) {
        base::Bytes body(static_cast<size_t>(1 + (i * 7919) % 40000), letter);
        base::Bytes attributes = letter + std::to_string(body.size());
        std::vector<base::Bytes> pieces{std::move(body)};
        auto put = co_await PutPieces(store, "b", "hot", std::move(pieces), std::move(attributes));
        if (!put) ++failures;
        if (i % 5 == 4) (void)co_await store.Delete("b", "hot", ObjectCondition());
    }
}
inline env::Task<void> ReadHot(ObjectStore& store, int rounds, int& torn) {
    for (int i = 0; i < rounds; ++i) {
        auto object = co_await store.Get("b", "hot");
        if (!object) {
            if (object.error().code != base::ErrorCode::kNotFound) ++torn;
            continue;
        }
        auto file = (*object)->Open();
        if (!file) {
            ++torn;
            continue;
        }
        base::Bytes body((*object)->metadata().size_bytes, '\0');
        (void)(*file)->ReadAt(0, body);
        const base::Bytes& attributes = (*object)->metadata().attributes;
        if (body.find_first_not_of(attributes[0]) != base::Bytes::npos) ++torn;
        if (attributes.substr(1) != std::to_string(body.size())) ++torn;
    }
}

TEST_P(ObjectStoreContract, ReadersAmongWritersNeverSeeATornObject) {
    boost::asio::io_context io;
    env::Scope scope;
    int failures = 0;
    int torn = 0;
    for (char letter : {'a', 'b', 'c'}) {
        env::Spawn(scope, io.get_executor(), "write", Overwrite(store_, letter, 15, failures));
        env::Spawn(scope, io.get_executor(), "read", ReadHot(store_, 100, torn));
    }
    io.run();
    EXPECT_EQ(failures, 0);
    EXPECT_EQ(torn, 0);
}

}  // namespace wellhead::storage
