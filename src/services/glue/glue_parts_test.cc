#include <gtest/gtest.h>

#include "services/glue/cron.h"
#include "services/glue/exclusion.h"
#include "services/glue/layout.h"
#include "sql/partition_filter.h"
#include "services/glue/schema_reader.h"

namespace wellhead::services::glue {
namespace {

bool Accepts(const std::string& expression, std::vector<std::string> values) {
    auto filter = sql::ParsePartitionFilter(expression, {{"year", "string"}, {"day", "int"}});
    EXPECT_TRUE(filter) << expression << ": " << filter.error().message;
    return filter && (*filter)(values);
}

TEST(PartitionFilter, ComparesEachKeyByItsType) {
    EXPECT_TRUE(Accepts("", {"2024", "9"}));
    EXPECT_TRUE(Accepts("year = '2024' AND day < 10", {"2024", "9"}));
    EXPECT_FALSE(Accepts("day >= 10", {"2024", "9"}));
    EXPECT_TRUE(Accepts("year IN ('2023', '2024') and NOT day = 8", {"2024", "9"}));
    EXPECT_TRUE(Accepts("(year='2020' or day between 8 and 10) and year like '20_4'", {"2024", "9"}));
    EXPECT_TRUE(Accepts("YEAR not in ('2023')", {"2024", "9"}));
    EXPECT_TRUE(Accepts("day is null", {"2024", "__HIVE_DEFAULT_PARTITION__"}));
    EXPECT_TRUE(Accepts("day is not null", {"2024", "1"}));
}

TEST(PartitionFilter, NamesWhatIsWrongAndWhere) {
    for (const char* wrong : {"year", "year = ", "month = '1'", "year = '1' garbage", "year in ()", "(year='1'", "'a' = year"}) {
        EXPECT_FALSE(sql::ParsePartitionFilter(wrong, {{"year", "string"}})) << wrong;
    }
    EXPECT_FALSE(sql::ParsePartitionFilter(std::string(500, '(') + "year='1'", {{"year", "string"}}));
    std::string nots;
    for (int i = 0; i < 500; ++i) nots += "not ";
    EXPECT_FALSE(sql::ParsePartitionFilter(nots + "year='1'", {{"year", "string"}}));
}

std::vector<CrawledObject> Objects(std::initializer_list<const char*> keys) {
    std::vector<CrawledObject> objects;
    for (const char* key : keys) objects.push_back({key, 10, 0});
    return objects;
}

TEST(Layout, FoldersOfKeyAndValueAreOneTablesPartitions) {
    const auto tables = LayOut("lake", "raw/Readings/", Objects({"raw/Readings/year=2024/month=05/a.parquet",
                                                               "raw/Readings/year=2024/month=06/b.parquet",
                                                               "raw/Readings/year=2024/month=06/_temporary", "raw/Readings/.hidden/x"}));
    ASSERT_EQ(tables.size(), 1u);
    EXPECT_EQ(tables[0].name, "readings");
    EXPECT_EQ(tables[0].partition_keys, (std::vector<std::string>{"year", "month"}));
    EXPECT_EQ(tables[0].partitions.size(), 2u);
    EXPECT_EQ(tables[0].partitions.at({"2024", "06"}), "raw/Readings/year=2024/month=06/");
}

TEST(Layout, NumbersAreNumberedPartitionsAndOtherFoldersAreTables) {
    const auto tables = LayOut("lake", "", Objects({"wells/2024/05/01/10/a", "tanks/t.json", "tanks/u.json"}));
    ASSERT_EQ(tables.size(), 2u);
    EXPECT_EQ(tables[0].name, "tanks");
    EXPECT_TRUE(tables[0].partition_keys.empty());
    EXPECT_EQ(tables[1].partition_keys, (std::vector<std::string>{"partition_0", "partition_1", "partition_2", "partition_3"}));
    EXPECT_EQ(LayOut("My-Lake", "", Objects({"a.csv"})).at(0).name, "my_lake");
}

TEST(Layout, ValuesAreUnescaped) {
    EXPECT_EQ(LayOut("l", "t/", Objects({"t/city=New%20York/a"})).at(0).partitions.begin()->first.at(0), "New York");
    EXPECT_EQ(DecodePercent("100%"), "100%");
}

TEST(Cron, MatchesMinutesAsAwsWritesThem) {
    const auto at = [](int64_t seconds) { return base::FromUnixMs(seconds * 1000); };
    const auto noon = CronSchedule::Parse("cron(0 12 * * ? *)");
    ASSERT_TRUE(noon);
    EXPECT_TRUE(noon->Matches(at(1714564800)));       // 2024-05-01 12:00, a Wednesday
    EXPECT_FALSE(noon->Matches(at(1714564800 + 60)));
    EXPECT_TRUE(CronSchedule::Parse("cron(0/15 10-14 ? MAY MON-FRI 2024)")->Matches(at(1714564800)));
    EXPECT_FALSE(CronSchedule::Parse("cron(0/15 * ? * SUN *)")->Matches(at(1714564800)));
    for (const char* wrong : {"", "cron()", "rate(5 minutes)", "cron(60 * * * ? *)", "cron(* * * * ?)", "cron(5-1 * * * ? *)", "cron(a * * * ? *)"}) {
        EXPECT_FALSE(CronSchedule::Parse(wrong)) << wrong;
    }
}

TEST(Exclusions, AreGlobs) {
    EXPECT_TRUE(MatchesGlob("2024/a.csv", "**.csv"));
    EXPECT_FALSE(MatchesGlob("2024/a.csv", "*.csv"));
    EXPECT_TRUE(MatchesGlob("a.csv", "*.{json,csv}"));
    EXPECT_TRUE(MatchesGlob("b1", "[a-c]?"));
    EXPECT_FALSE(MatchesGlob("d1", "[!d]?"));
    EXPECT_FALSE(MatchesGlob(std::string(60, 'a') + "b", "*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*c"));
}

TEST(Types, WidenToWhatHoldsBoth) {
    EXPECT_EQ(WiderType("int", "bigint"), "bigint");
    EXPECT_EQ(WiderType("bigint", "float"), "double");
    EXPECT_EQ(WiderType("int", "string"), "string");
    EXPECT_EQ(WiderType("date", "date"), "date");
}

}  // namespace
}  // namespace wellhead::services::glue
