#include "sql/athena/translation.h"

#include <gtest/gtest.h>

#include <random>

namespace wellhead::sql::athena {
namespace {

std::string Sql(const std::string& query, std::vector<std::string> parameters = {}) {
    auto translation = TranslateQuery(query, {"db", std::move(parameters)});
    return translation ? translation->sql : translation.error().Text();
}

TEST(AthenaTranslation, NamesTablesAndColumns) {
    auto translation = TranslateQuery("SELECT Well, count(*), t.a AS x FROM Readings t JOIN \"other\".z ON t.a = z.a WHERE year='2024';", {"Db", {}});
    ASSERT_TRUE(translation) << translation.error().Text();
    EXPECT_EQ(translation->tables.size(), 2u);
    EXPECT_EQ(translation->tables[0].database, "db");
    EXPECT_EQ(translation->tables[0].table, "readings");
    EXPECT_NE(translation->sql.find("count(*)  AS \"_col1\""), std::string::npos) << translation->sql;
    EXPECT_NE(translation->sql.find("\"db\".\"readings\" \"t\""), std::string::npos) << translation->sql;
    EXPECT_NE(translation->sql.find("\"other\".\"z\""), std::string::npos);
}

TEST(AthenaTranslation, KeepsWithNamesApartFromTables) {
    auto translation = TranslateQuery("WITH t AS (SELECT * FROM t) SELECT a FROM t ORDER BY a NULLS FIRST LIMIT 5", {"db", {}});
    ASSERT_TRUE(translation) << translation.error().Text();
    EXPECT_EQ(translation->tables.size(), 1u);
    EXPECT_NE(translation->sql.find("(SELECT * FROM \"db\".\"t\" )"), std::string::npos) << translation->sql;
}

TEST(AthenaTranslation, RenamesFunctionsAndTypes) {
    EXPECT_EQ(Sql("SELECT approx_distinct(a) x"), "SELECT approx_count_distinct(\"a\") \"x\"  ");
    EXPECT_EQ(Sql("SELECT date_format(ts, '%Y-%m-%d %H:%i:%s') AS d"), "SELECT strftime(\"ts\", '%Y-%m-%d %H:%M:%S') AS \"d\"  ");
    EXPECT_EQ(Sql("SELECT CAST(a AS array(row(b bigint, c varchar(5)))) AS d"), "SELECT CAST(\"a\"  AS STRUCT(\"b\" BIGINT, \"c\" VARCHAR)[]) AS \"d\"  ");
    EXPECT_EQ(Sql("SELECT ? AS d", {"'x'"}), "SELECT ('x' ) AS \"d\"  ");
    EXPECT_EQ(Sql("VALUES 1, (2)"), "VALUES (1 ), (2 )  ");
}

TEST(AthenaTranslation, RefusesWhatItDoesNotKnowByNameAndPlace) {
    EXPECT_EQ(Sql("SELECT read_parquet('x')"), "FUNCTION_NOT_FOUND: line 1:8: Function 'read_parquet' not registered");
    EXPECT_EQ(Sql("SELECT * FROM read_csv('/etc/passwd')"), "FUNCTION_NOT_FOUND: line 1:15: Table function 'read_csv' not registered");
    EXPECT_EQ(Sql("SELECT * FROM '/etc/passwd'"), "SYNTAX_ERROR: line 1:15: mismatched input '/etc/passwd'. Expecting: <identifier>");
    EXPECT_EQ(Sql("SELECT 1; SELECT 2"), "SYNTAX_ERROR: line 1:11: mismatched input 'SELECT'. Expecting: <EOF>");
    EXPECT_EQ(Sql("SELECT *\n FROM (SELECT 1"), "SYNTAX_ERROR: line 2:16: mismatched input '<EOF>'. Expecting: ')'");
}

TEST(AthenaTranslation, EndsOnRandomWords) {
    const std::vector<std::string> words = {"SELECT", "FROM", "(", ")", "a", ",", "WITH", "AS", "UNNEST", "'x'", "1", ".", "OVER", "CAST", "[", "]", "->", "?",
                                            "VALUES", "INTERVAL", "EXTRACT", "FETCH", "FIRST", "*", "t", "AT", "TIME", "ZONE", "TABLESAMPLE", "count", "\"q\""};
    std::mt19937 random(5);
    for (int i = 0; i < 20000; ++i) {
        std::string query;
        for (unsigned k = 0; k < random() % 20; ++k) query += words[random() % words.size()] + " ";
        (void)TranslateQuery(query, {"db", {}});
    }
    EXPECT_FALSE(TranslateQuery("SELECT " + std::string(5000, '('), {"db", {}}));
}

}  // namespace
}  // namespace wellhead::sql::athena
