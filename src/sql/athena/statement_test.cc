#include "sql/athena/statement.h"

#include <gtest/gtest.h>

#include <random>

namespace wellhead::sql::athena {
namespace {

template <class T>
T Parsed(const std::string& text) {
    auto statement = ParseStatement(text);
    EXPECT_TRUE(statement) << (statement ? "" : statement.error().Text());
    const T* one = statement ? std::get_if<T>(&*statement) : nullptr;
    EXPECT_NE(one, nullptr) << text;
    return one == nullptr ? T{} : *one;
}
std::string Error(const std::string& text) {
    auto statement = ParseStatement(text);
    return statement ? "none" : statement.error().Text();
}

TEST(AthenaStatement, ReadsHivesTables) {
    const auto table = Parsed<CreateTable>(
        "CREATE EXTERNAL TABLE IF NOT EXISTS `Db`.`my-table` (`A` int COMMENT 'it\\'s', b struct<x:int, y : array<string>>, c decimal(10, 2))\n"
        "PARTITIONED BY (Year string)\nROW FORMAT SERDE 'x.OpenCSVSerde' WITH SERDEPROPERTIES (\"quoteChar\" = \"\\\"\", 'sep'='\\t', 'oct'='\\001')\n"
        "STORED AS INPUTFORMAT 'in' OUTPUTFORMAT 'out' LOCATION 's3://b/p/' TBLPROPERTIES ('k'='v');");
    EXPECT_EQ(table.name.database, "db");
    EXPECT_EQ(table.name.table, "my-table");
    EXPECT_TRUE(table.external && table.if_not_exists);
    ASSERT_EQ(table.columns.size(), 3u);
    EXPECT_EQ(table.columns[0].comment, "it's");
    EXPECT_EQ(table.columns[1].type, "struct<x:int,y:array<string>>");
    EXPECT_EQ(table.columns[2].type, "decimal(10,2)");
    EXPECT_EQ(table.partition_keys.at(0).name, "year");
    EXPECT_EQ(table.serde_properties.at("quoteChar"), "\"");
    EXPECT_EQ(table.serde_properties.at("sep"), "\t");
    EXPECT_EQ(table.serde_properties.at("oct"), "\x01");
    EXPECT_EQ(table.output_format, "out");
    EXPECT_EQ(table.properties.at("k"), "v");
}

TEST(AthenaStatement, TellsAQuerysTableFromColumns) {
    const auto made = Parsed<CreateTableAs>("create table a.b with (format='PARQUET', partitioned_by = ARRAY['x','y']) as\nselect 1 AS c with no data");
    EXPECT_EQ(made.name.table, "b");
    EXPECT_FALSE(made.with_data);
    EXPECT_EQ(made.properties.at("partitioned_by"), (std::vector<std::string>{"x", "y"}));
    EXPECT_EQ(made.query.text.find("select 1"), made.query.text.find_first_not_of(" \n"));
    EXPECT_EQ(made.query.text.find("data"), std::string::npos);
    EXPECT_EQ(made.query.text.find('\n'), 76u);  // where it was
}

TEST(AthenaStatement, ReadsAlterTable) {
    const auto add = Parsed<AddPartitions>("ALTER TABLE t ADD IF NOT EXISTS PARTITION (a='1', b=2) LOCATION 's3://x' PARTITION (a='2', b=3)");
    ASSERT_EQ(add.partitions.size(), 2u);
    EXPECT_EQ(add.partitions[0].second, "s3://x");
    EXPECT_EQ(add.partitions[1].first[1].second, "3");
    EXPECT_EQ(Parsed<DropPartitions>("ALTER TABLE t DROP PARTITION (a='1', b>2), PARTITION (a='3')").filters.at(0), "a = '1' AND b > '2'");
    EXPECT_EQ(Parsed<RenamePartition>("ALTER TABLE t PARTITION (a='1') RENAME TO PARTITION (a='2')").to.at(0).second, "2");
    EXPECT_EQ(Parsed<SetLocation>("ALTER TABLE t SET LOCATION 's3://y'").location, "s3://y");
    EXPECT_EQ(Parsed<ChangeColumns>("ALTER TABLE d.t ADD COLUMNS (x map<string,int>)").columns.at(0).type, "map<string,int>");
}

TEST(AthenaStatement, ReadsTheRest) {
    EXPECT_EQ(Parsed<Insert>("INSERT INTO t (a, \"B\") SELECT 1, 2").columns, (std::vector<std::string>{"a", "b"}));
    EXPECT_TRUE(Parsed<Insert>("INSERT INTO t (SELECT 1)").columns.empty());
    EXPECT_EQ(Parsed<Unload>("UNLOAD (SELECT (1) AS a) TO 's3://u/' WITH (format='JSON')").location, "s3://u/");
    EXPECT_EQ(Parsed<Execute>("EXECUTE p USING 'a,b', array[1, 2], 3").parameters, (std::vector<std::string>{"'a,b'", "array[1, 2]", "3"}));
    EXPECT_EQ(Parsed<Show>("SHOW TABLES IN db 'x*'").pattern, "x*");
    EXPECT_EQ(Parsed<Show>("SHOW CREATE VIEW db.v").what, Show::What::kCreateView);
    EXPECT_EQ(Parsed<Describe>("DESC FORMATTED db.t").name.table, "t");
    EXPECT_TRUE(Parsed<DropDatabase>("DROP SCHEMA IF EXISTS x CASCADE").cascade);
    EXPECT_TRUE(Parsed<Explain>("EXPLAIN (FORMAT JSON) SELECT 1").json);
    EXPECT_EQ(Parsed<Prepare>("PREPARE p FROM SELECT ?").name, "p");
    EXPECT_EQ(Parsed<CreateDatabase>("-- why\nCREATE DATABASE x COMMENT 'c' WITH DBPROPERTIES ('a'='b')").properties.at("a"), "b");
}

TEST(AthenaStatement, RefusesByPlace) {
    EXPECT_EQ(Error("GRANT x"), "SYNTAX_ERROR: line 1:1: mismatched input 'GRANT'. Expecting: 'ALTER', 'CREATE', 'DEALLOCATE', 'DESC', 'DESCRIBE', 'DROP', 'EXECUTE', 'EXPLAIN', "
                                "'INSERT', 'MSCK', 'PREPARE', 'SHOW', 'UNLOAD', <query>");
    EXPECT_EQ(Error("DROP TABLE t x"), "SYNTAX_ERROR: line 1:14: mismatched input 'x'. Expecting: <EOF>");
    EXPECT_EQ(Error("CREATE EXTERNAL TABLE t (a int"), "SYNTAX_ERROR: line 1:31: mismatched input '<EOF>'. Expecting: ')'");
    EXPECT_EQ(Error("MERGE INTO t"), "NOT_SUPPORTED: line 1:1: MERGE is for Iceberg tables, which are not served");
}

std::vector<PartitionCondition> Conditions(const std::string& query, std::vector<std::string> parameters = {}) {
    auto translation = TranslateQuery(query, {"db", std::move(parameters)});
    EXPECT_TRUE(translation) << (translation ? "" : translation.error().Text());
    return translation && !translation->tables.empty() ? translation->tables[0].uses.at(0) : std::vector<PartitionCondition>{};
}

TEST(AthenaPredicates, AreTheConjunctsOfWhereThatSpeakOfOneTable) {
    const auto found = Conditions("SELECT * FROM t AS x JOIN u ON x.a = u.a WHERE x.y = '2024' AND (x.m IN ('1', ?) OR x.m > '5') AND u.z = 1 AND lower(x.w) = 'q' AND 3 <= x.d GROUP BY 1",
                                  {"'02'"});
    ASSERT_EQ(found.size(), 3u);
    EXPECT_EQ(found[0].expression, "\"y\" = '2024'");
    EXPECT_EQ(found[0].equal_to, (std::vector<std::string>{"2024"}));
    EXPECT_EQ(found[1].expression, "(\"m\" IN ('1', '02') OR \"m\" > '5')");
    EXPECT_TRUE(found[1].equal_to.empty());
    EXPECT_EQ(found[2].expression, "\"d\" >= 3");
    EXPECT_TRUE(found[2].columns.at(0).second);
}

TEST(AthenaPredicates, LeaveOutWhatCouldMisleadAPlan) {
    EXPECT_TRUE(Conditions("SELECT * FROM t WHERE y = '1' OR a + 1 = 2").empty());
    EXPECT_TRUE(Conditions("SELECT * FROM t WHERE y IS NULL").empty());
    EXPECT_TRUE(Conditions("SELECT count(*) FILTER (WHERE y = '1') FROM t").empty());
    EXPECT_TRUE(Conditions("SELECT * FROM t WHERE CASE WHEN y = '1' AND z = '2' THEN true END").empty());
    EXPECT_EQ(Conditions("SELECT * FROM t WHERE y BETWEEN '1' AND '3' AND z = '4'").size(), 2u);
    EXPECT_EQ(Conditions("SELECT * FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.y = '1') AND z = '4'").size(), 1u);
}

TEST(AthenaStatement, EndsOnRandomWords) {
    const std::vector<std::string> words = {"CREATE", "EXTERNAL", "TABLE", "ALTER", "ADD", "PARTITION", "(", ")", "a", ",", "'x'", "=", "ARRAY", "[", "]", "WITH", "AS", "SELECT", "1", "?",
                                            "STORED", "ROW", "FORMAT", "SERDE", "LOCATION", "<", ">", "INSERT", "INTO", "UNLOAD", "TO", "EXECUTE", "USING", "SHOW", "WHERE", "AND", "OR", "NOT", "IN", "BETWEEN", "\"q\"", "`b`", ";"};
    std::mt19937 random(7);
    for (int i = 0; i < 20000; ++i) {
        std::string text;
        for (unsigned k = 0; k < random() % 24; ++k) text += words[random() % words.size()] + " ";
        if (auto statement = ParseStatement(text); statement) (void)NameOf(*statement);
        (void)TranslateQuery("SELECT * FROM t WHERE " + text, {"db", {"1"}});
    }
}

}  // namespace
}  // namespace wellhead::sql::athena
