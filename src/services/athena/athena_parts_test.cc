#include <gtest/gtest.h>

#include "services/athena/projection.h"
#include "services/athena/result_page.h"
#include "services/athena/result_set.h"
#include "services/athena/table_scan.h"
#include "services/athena/trino_type.h"

namespace wellhead::services::athena {
namespace {

apis::glue::Table Projected(std::map<std::string, std::string> parameters, std::vector<std::string> keys) {
    apis::glue::Table table;
    table.Name = "t";
    table.Parameters = std::move(parameters);
    table.Parameters->emplace("projection.enabled", "true");
    table.PartitionKeys.emplace();
    for (std::string& key : keys) {
        table.PartitionKeys->emplace_back().Name = std::move(key);
        table.PartitionKeys->back().Type = "string";
    }
    table.StorageDescriptor.emplace().Location = "s3://b/t";
    return table;
}

std::vector<std::string> Locations(const apis::glue::Table& table, const std::string& expression, std::vector<std::string> equal = {}) {
    std::vector<sql::PartitionKeyType> keys;
    KeyConditions conditions;
    for (const auto& key : *table.PartitionKeys) {
        keys.push_back({key.Name, "string"});
        conditions.each.emplace_back();
        conditions.equal.push_back(equal);
    }
    conditions.all = sql::ParsePartitionFilter(expression, keys).value();
    auto projected = Project(table, conditions, base::FromUnixMs(1714557723000));  // 2024-05-01 10:02:03
    if (!projected) return {"error: " + projected.error().message};
    std::vector<std::string> locations;
    for (const auto& partition : *projected) locations.push_back(partition.location);
    return locations;
}

TEST(AthenaProjection, CountsDaysMonthsAndHoursOfItsFormat) {
    const auto days = Projected({{"projection.d.type", "date"}, {"projection.d.range", "NOW-2DAYS,NOW"}, {"projection.d.format", "yyyy-MM-dd"}}, {"d"});
    EXPECT_EQ(Locations(days, ""), (std::vector<std::string>{"s3://b/t/d=2024-04-29/", "s3://b/t/d=2024-04-30/", "s3://b/t/d=2024-05-01/"}));
    const auto months = Projected({{"projection.m.type", "date"}, {"projection.m.range", "2023/11,2024/02"}, {"projection.m.format", "yyyy/MM"},
                                   {"storage.location.template", "s3://x/${m}/data"}}, {"m"});
    EXPECT_EQ(Locations(months, "m > '2023/12'"), (std::vector<std::string>{"s3://x/2024/01/data/", "s3://x/2024/02/data/"}));
    const auto hours = Projected({{"projection.h.type", "date"}, {"projection.h.range", "2024-02-28 22,2024-02-29 01"}, {"projection.h.format", "yyyy-MM-dd HH"},
                                  {"projection.h.interval", "1"}, {"projection.h.interval.unit", "HOURS"}}, {"h"});
    EXPECT_EQ(Locations(hours, "").size(), 4u);
}

TEST(AthenaProjection, MultipliesItsKeysAndRefusesNonsense) {
    const auto both = Projected({{"projection.n.type", "integer"}, {"projection.n.range", "8,12"}, {"projection.n.interval", "2"}, {"projection.n.digits", "3"},
                                 {"projection.e.type", "enum"}, {"projection.e.values", "a, b"}}, {"n", "e"});
    EXPECT_EQ(Locations(both, "n <> '010'"), (std::vector<std::string>{"s3://b/t/n=008/e=a/", "s3://b/t/n=008/e=b/", "s3://b/t/n=012/e=a/", "s3://b/t/n=012/e=b/"}));
    const auto injected = Projected({{"projection.i.type", "injected"}}, {"i"});
    EXPECT_EQ(Locations(injected, "", {"x"}), (std::vector<std::string>{"s3://b/t/i=x/"}));
    EXPECT_TRUE(Locations(injected, "").at(0).starts_with("error: CONSTRAINT_VIOLATION"));
    EXPECT_TRUE(Locations(Projected({{"projection.n.type", "integer"}, {"projection.n.range", "0,9999999999"}}, {"n"}), "").at(0).starts_with("error: "));
    EXPECT_TRUE(Locations(Projected({{"projection.n.type", "what"}}, {"n"}), "").at(0).starts_with("error: "));
}

TEST(AthenaTypes, AreSpelledAsTrinoSpellsThem) {
    EXPECT_EQ(TrinoType("array<struct<a:int,b:map<string,float>>>"), "array(row(a integer, b map(varchar, real)))");
    EXPECT_EQ(TrinoType("timestamp with time zone"), "timestamp with time zone");
}

TEST(AthenaScan, TakesConditionsOfKeysAloneAndOfEachUse) {
    const std::vector<TypedColumn> keys = {{"year", "string", "VARCHAR"}, {"n", "int", "INTEGER"}};
    const sql::athena::PartitionCondition year{"\"year\" = '1'", {{"year", false}}, {}};
    const sql::athena::PartitionCondition number{"\"n\" > 2", {{"n", true}}, {}};
    const sql::athena::PartitionCondition wrong{"\"year\" = 1", {{"year", true}}, {}};
    const sql::athena::PartitionCondition other{"\"v\" = 1", {{"v", true}}, {}};
    EXPECT_EQ(KeyExpression(keys, {{year, other, number}}), "((\"year\" = '1') AND (\"n\" > 2))");
    EXPECT_EQ(KeyExpression(keys, {{year}, {number}}), "((\"year\" = '1')) OR ((\"n\" > 2))");
    EXPECT_EQ(KeyExpression(keys, {{year}, {wrong}}), "");
    EXPECT_EQ(KeyExpression(keys, {{year}, {}}), "");
}

TEST(AthenaScan, SpellsKeysAsTheFilesDo) {
    const auto keys = SpellKeys({{"deviceid", "string", "VARCHAR"}, {"pos", "struct<lat:double,tags:array<struct<k:int>>>", ""}},
                                {{"deviceId", "string"}, {"pos", "struct<Lat:bigint,tags:array<struct<K:bigint>>>"}});
    EXPECT_EQ(keys.at("deviceid").key, "deviceId");
    EXPECT_EQ(keys.at("pos").type, "STRUCT(\"Lat\" DOUBLE, \"tags\" STRUCT(\"K\" INTEGER)[])");
}

TEST(AthenaResults, TellTheirColumnsInAProtocolBuffer) {
    const auto metadata = MetadataOf({{"n", "int"}}, true);
    const std::string bytes = MetadataBytes(metadata);
    EXPECT_EQ(bytes.substr(0, 3), "\x0a\x01" "1");
    EXPECT_NE(bytes.find("\x32\x07integer"), std::string::npos);  // field 6
    EXPECT_EQ(static_cast<unsigned char>(bytes[3]), 4u << 3 | 2);
}

TEST(AthenaResults, AreTakenByWholeRows) {
    size_t consumed = 0;
    const auto rows = TakeRows("\"a\",\"b\"\n\"1\",\n\"x\"\"y\",\"2\n3\"\n\"half", 10, false, consumed);
    ASSERT_EQ(rows.size(), 3u);
    EXPECT_EQ(rows[1][1], std::nullopt);
    EXPECT_EQ(rows[2][0], "x\"y");
    EXPECT_EQ(rows[2][1], "2\n3");
}

}  // namespace
}  // namespace wellhead::services::athena
