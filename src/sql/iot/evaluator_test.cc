#include <gtest/gtest.h>

#include <random>

#include "sql/iot/statement.h"
#include "sql/iot/time_pattern.h"

namespace wellhead::sql::iot {
namespace {

class TestSurroundings final : public Surroundings {
  public:
    std::string NewUuid() override { return "00000000-0000-4000-8000-00000000000" + std::to_string(++uuids_); }
    double RandomFraction() override { return 0.25; }
    std::string_view account_id() const override { return "123456789012"; }
    std::optional<std::string> ThingShadow(std::string_view thing, std::string_view name) override {
        if (thing != "well-07") return std::nullopt;
        return name.empty() ? R"({"state":{"reported":{"alarm":"ON"}}})" : R"({"state":{"name":1}})";
    }
    std::optional<int> ZoneOffset(std::string_view zone, base::Instant) override {
        if (zone == "America/Belize") return -6 * 3600;
        return FixedZoneOffset(zone);
    }

  private:
    int uuids_ = 0;
};

// The result of sql over payload; "-" when WHERE does not hold, "error: ..." for one.
std::string RunSql(std::string_view sql, std::string_view payload, std::string_view topic = "oilfield/well-07/telemetry") {
    auto statement = Statement::Compile(sql);
    if (!statement) {
        return "syntax " + std::to_string(statement.error().at.line) + ":" +
               std::to_string(statement.error().at.column) + " " + statement.error().message;
    }
    TestSurroundings surroundings;
    Evaluator evaluator(surroundings);
    static const std::vector<std::pair<std::string, std::string>> properties = {{"unit", "psi"}, {"unit", "bar"}};
    MessageView message;
    message.topic = topic;
    message.payload = payload;
    message.client_id = "client-1";
    message.principal = "abcdef";
    message.source_ip = "127.0.0.1";
    message.content_type = "application/json";
    message.correlation_data = "id";
    message.user_properties = properties;
    message.now = base::FromUnixMs(1481825251155);
    evaluator.Begin(message);
    std::string out;
    auto passed = evaluator.Select(**statement, out);
    if (!passed) return "error: " + passed.error().message;
    return *passed ? out : "-";
}

// One expression's value as JSON; "" for Undefined.
std::string Value(const std::string& expression, std::string_view payload = "{}") {
    return RunSql("SELECT VALUE (" + expression + ") FROM 't'", payload);
}

TEST(IotSql, HandsThePayloadOnByteForByte) {
    EXPECT_EQ(RunSql("SELECT * FROM 'a/#'", "{ \"a\" : 1.0 }\n"), "{ \"a\" : 1.0 }\n");
    EXPECT_EQ(RunSql("SELECT * FROM 'a/#'", std::string_view("\x00\xff binary", 9)), std::string_view("\x00\xff binary", 9));
}

TEST(IotSql, SelectsFieldsByPathAndAlias) {
    EXPECT_EQ(RunSql("SELECT color AS my_color, temperature FROM 'a/b'", R"({"color":"red","temperature":50})"),
              R"({"my_color":"red","temperature":50})");
    EXPECT_EQ(RunSql("SELECT foo.bar AS bar.baz FROM 'a/b'", R"({"foo":{"bar":"RED"}})"), R"({"bar":{"baz":"RED"}})");
    EXPECT_EQ(RunSql("SELECT color.red FROM 'a/b'", R"({"color":{"red":255}})"), R"({"red":255})");
    EXPECT_EQ(RunSql("SELECT VALUE color FROM 'a/b'", R"({"color":"red"})"), R"("red")");
    EXPECT_EQ(RunSql("SELECT value, timestamp FROM 'a/b'", R"({"value":1,"timestamp":2})"), R"({"value":1,"timestamp":2})");
    EXPECT_EQ(RunSql("SELECT upper(a) FROM 'a/b'", R"({"a":"x"})"), R"x({"upper(a)":"X"})x");
}

TEST(IotSql, AddsMembersToTheWholePayload) {
    EXPECT_EQ(RunSql("SELECT *, topic(2) AS well, timestamp() AS ts FROM 'a'", R"({"a": [1, 2.50]} )"),
              R"({"a": [1, 2.50],"well":"well-07","ts":1481825251155})");
    EXPECT_EQ(RunSql("SELECT *, 15 as speed FROM 'a'", "{}"), R"({"speed":15})");
    EXPECT_EQ(RunSql("SELECT *, 2 AS a FROM 'a'", R"({"a":1,"b":3})"), R"({"a":2,"b":3})");
    EXPECT_EQ(RunSql("SELECT *, missing AS x FROM 'a'", R"({"a":1})"), R"({"a":1})");
}

TEST(IotSql, KeepsOnlyMessagesWhoseWhereIsTrue) {
    EXPECT_EQ(RunSql("SELECT * FROM 'a' WHERE color = 'red'", R"({"color":"red"})"), R"({"color":"red"})");
    EXPECT_EQ(RunSql("SELECT * FROM 'a' WHERE color = 'red'", R"({"color":"blue"})"), "-");
    EXPECT_EQ(RunSql("SELECT * FROM 'a' WHERE missing = 'red'", R"({"color":"blue"})"), "-");
    EXPECT_EQ(RunSql("SELECT * FROM 'a' WHERE missing <> 'red'", R"({"color":"blue"})"), "-");
    EXPECT_EQ(RunSql("SELECT * FROM 'a' WHERE missing = 1 OR color = 'blue'", R"({"color":"blue"})"),
              R"({"color":"blue"})");
    EXPECT_EQ(RunSql("SELECT * FROM 'a' WHERE temperature > 50 AND NOT (color IN ('red', 'green'))",
                  R"({"color":"blue","temperature":50.5})"),
              R"({"color":"blue","temperature":50.5})");
    EXPECT_EQ(RunSql("SELECT * FROM 'a' WHERE timestamp() % 5 = 0", "not json"), "not json");
}

TEST(IotSql, RefusesAPayloadThatIsNotJsonOnlyWhereFieldsAreNeeded) {
    EXPECT_TRUE(RunSql("SELECT a FROM 'a'", "{\"a\":").starts_with("error: the payload is not JSON"));
    EXPECT_TRUE(RunSql("SELECT *, 1 AS b FROM 'a'", "nope").starts_with("error: the payload is not JSON"));
    EXPECT_EQ(RunSql("SELECT encode(*, 'base64') AS data, timestamp() AS ts FROM 'a'", std::string_view("\x00\xff", 2)),
              R"({"data":"AP8=","ts":1481825251155})");
}

TEST(IotSql, QueriesNestedArrays) {
    std::string_view payload =
        R"({"e":[{"n":"temperature","v":22.5},{"n":"light","v":135},{"n":"acidity","v":7}]})";
    EXPECT_EQ(RunSql("SELECT (SELECT VALUE n FROM e) as sensors FROM 't'", payload),
              R"({"sensors":["temperature","light","acidity"]})");
    EXPECT_EQ(RunSql("SELECT (SELECT v FROM e WHERE n = 'temperature') as temperature FROM 't'", payload),
              R"({"temperature":[{"v":22.5}]})");
    EXPECT_EQ(RunSql("SELECT get((SELECT v FROM e WHERE n = 'temperature'), 0).v as temperature FROM 't'", payload),
              R"({"temperature":22.5})");
    EXPECT_EQ(RunSql("SELECT e[1].v AS light FROM 't' WHERE EXISTS (SELECT * FROM e WHERE v > 100)", payload),
              R"({"light":135})");
}

TEST(IotSql, MakesArraysAndObjects) {
    EXPECT_EQ(RunSql("SELECT {'latitude': get(p, 0), 'longitude': get(p, 1)} as p FROM 'a'", R"({"p":[47.606,-122.332]})"),
              R"({"p":{"latitude":47.606,"longitude":-122.332}})");
    EXPECT_EQ(RunSql("SELECT VALUE [a, b, null, missing] FROM 'a'", R"({"a":1,"b":"x"})"), R"([1,"x",null])");
}

TEST(IotSql, ChoosesByCase) {
    const char* sql = "SELECT CASE color WHEN 'green' THEN 'go' WHEN 'red' THEN 'stop' ELSE 'look' END AS do FROM 'a'";
    EXPECT_EQ(RunSql(sql, R"({"color":"red"})"), R"({"do":"stop"})");
    EXPECT_EQ(RunSql(sql, R"({"color":"blue"})"), R"({"do":"look"})");
    EXPECT_EQ(RunSql(sql, R"({})"), "{}");
    EXPECT_EQ(Value("CASE WHEN a > 1 THEN 'big' ELSE 'small' END", R"({"a":2})"), R"("big")");
}

TEST(IotSql, ComputesAsTheOperatorTablesSay) {
    EXPECT_EQ(Value("1 + 2 * 3"), "7");
    EXPECT_EQ(Value("7 / 2"), "3");
    EXPECT_EQ(Value("7.0 / 2"), "3.5");
    EXPECT_EQ(Value("-7 % 3"), "-1");
    EXPECT_EQ(Value("1 / 0"), "");
    EXPECT_EQ(Value("'a' + 1"), "\"a1\"");
    EXPECT_EQ(Value("'5' * 2"), "10");
    EXPECT_EQ(Value("true + 1"), "");
    EXPECT_EQ(Value("'5' = 5"), "false");
    EXPECT_EQ(Value("'10' > 9"), "true");
    EXPECT_EQ(Value("'a' > 'b'"), "");
    EXPECT_EQ(Value("null = null"), "true");
    EXPECT_EQ(Value("[1, 2] = [1, 2]"), "true");
    EXPECT_EQ(Value("{'a': 1, 'b': 2} = {'b': 2, 'a': 1}"), "true");
    EXPECT_EQ(Value("false AND missing"), "false");
    EXPECT_EQ(Value("true AND missing"), "");
    EXPECT_EQ(Value("9223372036854775807 + 1"), "9223372036854775808");
    EXPECT_EQ(Value("3 IN a", R"({"a":[1,2,3]})"), "true");
    EXPECT_EQ(Value("3 NOT IN (1, 2)"), "true");
}

TEST(IotSql, KeepsNumbersBeyond64BitsNearTheirValue) {
    EXPECT_EQ(Value("a", R"({"a":18446744073709551615})"), "18446744073709551615");
    EXPECT_EQ(Value("b", R"({"a":184467440737095516150,"b":"9"})"), "\"9\"");
    EXPECT_EQ(Value("a", R"({"a":10.0})"), "10");
}

TEST(IotSql, CallsMathFunctions) {
    EXPECT_EQ(Value("abs('-5.123')"), "5.123");
    EXPECT_EQ(Value("acos(0)"), "1.5707963267948966");
    EXPECT_EQ(Value("acos(2)"), "");
    EXPECT_EQ(Value("atan2(1, 0)"), "1.5707963267948966");
    EXPECT_EQ(Value("bitand(13, 5) + bitor(8, 5) + bitxor(13, 5)"), "26");
    EXPECT_EQ(Value("ceil(-1.2)"), "-1");
    EXPECT_EQ(Value("floor(-1.2)"), "-2");
    EXPECT_EQ(Value("round(1.5)"), "2");
    EXPECT_EQ(Value("round(-1.5)"), "-2");
    EXPECT_EQ(Value("mod(8, 3)"), "2");
    EXPECT_EQ(Value("power(2, 5)"), "32");
    EXPECT_EQ(Value("sqrt(-1)"), "");
    EXPECT_EQ(Value("log(100)"), "2");
    EXPECT_EQ(Value("nanvl(missing, 3)"), "3");
    EXPECT_EQ(Value("trunc(2.3123, 2)"), "2.31");
    EXPECT_EQ(Value("trunc(2.888, 2)"), "2.88");
    EXPECT_EQ(Value("trunc(2.3, 0)"), "2");
    EXPECT_EQ(Value("sign(-7)"), "-1");
    EXPECT_EQ(Value("abs()"), "");
}

TEST(IotSql, CallsTextFunctions) {
    EXPECT_EQ(Value("concat([1, 2], 'hello', [4])"), R"([1,2,"hello",4])");
    EXPECT_EQ(Value("concat('he', 'is', 1)"), R"("heis1")");
    EXPECT_EQ(Value("endswith('cat', 'at')"), "true");
    EXPECT_EQ(Value("indexof('abcd', 'bc')"), "1");
    EXPECT_EQ(Value("length(false)"), "5");
    EXPECT_EQ(Value("numbytes('€')"), "3");
    EXPECT_EQ(Value("length('€')"), "1");
    EXPECT_EQ(Value("lower(['HELLO'])"), R"x("[\"hello\"]")x");
    EXPECT_EQ(Value("lpad('hello', 2)"), R"("  hello")");
    EXPECT_EQ(Value("ltrim(' h i ')"), R"("h i ")");
    EXPECT_EQ(Value("replace('abcdabcd', 'b', 'x')"), R"("axcdaxcd")");
    EXPECT_EQ(Value("substring('012345', 2.745)"), R"("2345")");
    EXPECT_EQ(Value("substring(123, 2)"), R"("3")");
    EXPECT_EQ(Value("substring(false, -2.411E247)"), R"("false")");
    EXPECT_EQ(Value("substring('012345', -50, 50)"), R"("012345")");
    EXPECT_EQ(Value("substring('012345', 3, 1)"), R"("")");
    EXPECT_EQ(Value("chr(65)"), R"("A")");
    EXPECT_EQ(Value("md5('hello')"), R"("5d41402abc4b2a76b9719d911017c592")");
    EXPECT_EQ(Value("get('abc', 1)"), R"("b")");
    EXPECT_EQ(Value("regexp_matches('aaaa', 'a{2,}')"), "true");
    EXPECT_EQ(Value("regexp_replace('abcd', 'b(.*)d', '$1')"), R"("ac")");
    EXPECT_EQ(Value("regexp_substr('hihihello', '(hi)*')"), R"("hihi")");
    EXPECT_EQ(Value("regexp_matches('a', '(')"), "");
    EXPECT_EQ(Value("regexp_matches('well-07', '^well-\\d+$')"), "true");
}

TEST(IotSql, StaysFastOnLargePayloads) {
    std::string array = "[";
    std::string object = "{";
    for (int i = 0; i < 20000; ++i) {
        array += (i == 0 ? "" : ",") + std::to_string(i);
        object += (i == 0 ? "\"k" : ",\"k") + std::to_string(i) + "\":1";
    }
    std::string payload = "{\"a\":" + array + "],\"b\":" + array + "],\"o\":" + object + "},\"p\":" + object + "}}";
    EXPECT_EQ(Value("a = b AND o = p", payload), "true");
    EXPECT_EQ(RunSql("SELECT *, 1 AS k7 FROM 't'", object + "}").size(), object.size() + 1);
    std::string sum = "a";
    for (int i = 0; i < 500; ++i) sum += " + a";
    EXPECT_EQ(Value(sum, "{\"a\":\"" + std::string(100000, 'x') + "\"}"), "");
}

TEST(IotSql, EndsRunawayRegularExpressions) {
    EXPECT_EQ(Value("regexp_matches('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!', '^(a+)+$')"), "");
}

TEST(IotSql, Casts) {
    EXPECT_EQ(Value("cast(true as Decimal)"), "1");
    EXPECT_EQ(Value("cast('1.9' as Int)"), "1");
    EXPECT_EQ(Value("cast(0 as Boolean)"), "false");
    EXPECT_EQ(Value("cast(1.5 as String)"), R"("1.5")");
    EXPECT_EQ(Value("cast(null as String)"), "");
}

TEST(IotSql, KnowsTheMessage) {
    EXPECT_EQ(Value("topic()"), R"("oilfield/well-07/telemetry")");
    EXPECT_EQ(Value("topic(2)"), R"("well-07")");
    EXPECT_EQ(Value("topic(4)"), "");
    EXPECT_EQ(Value("clientid()"), R"("client-1")");
    EXPECT_EQ(Value("principal()"), R"("abcdef")");
    EXPECT_EQ(Value("accountid() + sourceip()"), R"("123456789012127.0.0.1")");
    EXPECT_EQ(Value("traceid() = traceid()"), "true");
    EXPECT_EQ(Value("newuuid() = newuuid()"), "false");
    EXPECT_EQ(Value("get_mqtt_property('content_type')"), R"("application/json")");
    EXPECT_EQ(Value("get_mqtt_property('correlation_data')"), R"("aWQ=")");
    EXPECT_EQ(Value("get_user_properties()"), R"([{"unit":"psi"},{"unit":"bar"}])");
    EXPECT_EQ(Value("get_user_properties('unit')"), R"(["psi","bar"])");
    EXPECT_EQ(Value("get_thing_shadow('well-07', 'arn:role').state.reported.alarm"), R"("ON")");
    EXPECT_EQ(Value("get_thing_shadow('well-08', 'arn:role')"), "");
}

TEST(IotSql, EncodesAndDecodes) {
    EXPECT_EQ(Value("decode(encode('{\"a\":[1]}', 'base64'), 'base64').a[0]"), "1");
    EXPECT_EQ(Value("decode('!', 'base64')"), "null");
    EXPECT_EQ(Value("transform('enrichArray', {'well': 7}, a)", R"({"a":[{"p":1},{"p":2}]})"),
              R"([{"p":1,"well":7},{"p":2,"well":7}])");
}

TEST(IotSql, FormatsAndParsesTimes) {
    EXPECT_EQ(Value("parse_time(\"yyyy.MM.dd G 'at' HH:mm:ss z\", 100000000, 'America/Belize')"),
              R"("1970.01.01 AD at 21:46:40 America/Belize")");
    EXPECT_EQ(Value("parse_time('yyyy-MM-dd\\'T\\'HH:mm:ss.SSSZZ', timestamp())"),
              R"("2016-12-15T18:07:31.155+00:00")");
    EXPECT_EQ(Value("parse_time('EEEE, d MMM yy, h:mm a, D', timestamp(), '+05:30')"),
              R"("Thursday, 15 Dec 16, 11:37 PM, 350")");
    EXPECT_EQ(Value("time_to_epoch('2020-04-03 09:45:18 UTC+01:00', 'yyyy-MM-dd HH:mm:ss VV')"), "1585903518000");
    EXPECT_EQ(Value("time_to_epoch('18 December 2015', 'dd MMMM yyyy')"), "1450396800000");
    EXPECT_EQ(Value("time_to_epoch('2007-12-03 10:15:30.592 America/Belize', 'yyyy-MM-dd HH:mm:ss.SSS z')"),
              "1196698530592");
    EXPECT_EQ(Value("time_to_epoch('2020-02-30', 'yyyy-MM-dd')"), "");
}

TEST(IotSql, SaysWhereASyntaxErrorIs) {
    EXPECT_EQ(RunSql("SELECT * FORM 'a'", "{}"), "syntax 1:10 unexpected 'FORM', expected the end of the statement");
    EXPECT_EQ(RunSql("SELECT *\nFROM 'a' WHERE", "{}"),
              "syntax 2:15 unexpected end of the statement, expected an expression");
    EXPECT_EQ(RunSql("SELECT frobnicate(1) FROM 'a'", "{}"), "syntax 1:8 the function frobnicate is not known");
    EXPECT_EQ(RunSql("SELECT aws_lambda('arn', *) FROM 'a'", "{}"),
              "syntax 1:8 aws_lambda() is not served: it calls a service that is not there");
    EXPECT_EQ(RunSql("SELECT * FROM 'a' WHERE b LIKE 'c'", "{}"), "syntax 1:27 LIKE is not part of AWS IoT SQL");
    EXPECT_EQ(RunSql("SELECT decode(a, 'proto', 'b') FROM 'a'", "{}"),
              "syntax 1:8 decode(): the scheme 'proto' is not served, only 'base64' is");
}

TEST(IotSql, TakesTheTopicFilterQuotedOrNot) {
    EXPECT_EQ((*Statement::Compile("SELECT * FROM 'oilfield/+/telemetry'"))->topic_filter(), "oilfield/+/telemetry");
    EXPECT_EQ((*Statement::Compile("SELECT * FROM topic/#"))->topic_filter(), "topic/#");
    EXPECT_EQ((*Statement::Compile("SELECT *"))->topic_filter(), "");
}

std::string Substituted(std::string_view text, std::string_view payload) {
    auto compiled = Template::Compile(text);
    if (!compiled) return "syntax: " + compiled.error().message;
    TestSurroundings surroundings;
    Evaluator evaluator(surroundings);
    MessageView message;
    message.topic = "a/b";
    message.payload = payload;
    evaluator.Begin(message);
    std::string out;
    auto done = evaluator.Substitute(**compiled, out);
    return done ? out : "error: " + done.error().message;
}

TEST(SubstitutionTemplate, PutsValuesIntoText) {
    EXPECT_EQ(Substituted("${topic(2)}-${well}.json", R"({"well":7})"), "b-7.json");
    EXPECT_EQ(Substituted("${get({'}': 'x'}, '}')}", "{}"), "x");
    EXPECT_EQ(Substituted("plain $ text", "nope"), "plain $ text");
    EXPECT_EQ(Substituted("${well}", "{}"), "error: ${well} is Undefined");
    EXPECT_EQ(Substituted("${well", "{}"), "syntax: a substitution template has no closing '}'");
}

TEST(IotSql, EndsOnRandomStatementsAndPayloads) {
    std::mt19937 random(11);
    const std::vector<std::string> words = {"SELECT", "*",  "VALUE", "FROM", "'t'", "WHERE", "a",    ".", "b",  "(",
                                            ")",      "[",  "]",     "{",    "}",   ":",     ",",    "1", "-",  "+",
                                            "CASE",   "WHEN", "THEN", "END", "NOT", "AND",   "OR",   "IN", "get", "'x'",
                                            "AS",     "cast", "Int", "e",   "=",   "<",     "2.5e3", "`q`"};
    TestSurroundings surroundings;
    Evaluator evaluator(surroundings);
    int compiled = 0;
    for (int round = 0; round < 20000; ++round) {
        std::string sql = "SELECT ";
        for (size_t i = random() % 14; i > 0; --i) sql += words[random() % words.size()] + " ";
        auto statement = Statement::Compile(sql);
        if (!statement) continue;
        ++compiled;
        MessageView message;
        message.topic = "t";
        message.payload = round % 2 == 0 ? R"({"a":{"b":[1,2]},"e":[{"a":1}]})" : "[1]";
        evaluator.Begin(message);
        std::string out;
        (void)evaluator.Select(**statement, out);
    }
    EXPECT_GT(compiled, 100);
}

TEST(IotSql, DecimalsAreDecimals) {
    const std::string payload = R"({"a":0.1,"b":0.2,"i":7,"whole":10.0,"big":12345678901234567890})";
    EXPECT_EQ(Value("a + b", payload), "0.3");
    EXPECT_EQ(Value("a + b = 0.3", payload), "true");
    EXPECT_EQ(Value("a * 3", payload), "0.3");
    EXPECT_EQ(Value("i / 2", payload), "3");
    EXPECT_EQ(Value("i / 2.0", payload), "3.5");
    EXPECT_EQ(Value("i / 2.5", payload), "2.8");
    EXPECT_EQ(Value("1 / 3.5", payload), "0.2857142857142857142857142857142857");
    EXPECT_EQ(Value("whole / 4", payload), "2");
    EXPECT_EQ(Value("'10' / '4'", payload), "2.5");
    EXPECT_EQ(Value("i / 0", payload), "");
    EXPECT_EQ(Value("i % 0.0", payload), "");
    EXPECT_EQ(Value("5.5 % 2", payload), "1.5");
    EXPECT_EQ(Value("big * big", payload), "1.524157875323883675019051998750191E+38");
    EXPECT_EQ(Value("big > 12345678901234567889", payload), "true");
    EXPECT_EQ(Value("-9223372036854775808 - 1"), "-9223372036854775809");
    EXPECT_EQ(Value("round(2.5)"), "3");
    EXPECT_EQ(Value("trunc(2.345, 2)"), "2.34");
    EXPECT_EQ(Value("cast('1.10' as Decimal)"), "1.1");
    EXPECT_EQ(Value("'n=' + 0.00000012"), R"("n=1.2E-7")");
    EXPECT_EQ(Value("ceil('1.00000000000000000000000001')"), "2");
}

TEST(IotSql, VariablesAreSetOnce) {
    const std::string payload = R"({"temp_fahrenheit":75,"sensor":{"name":"x","values":[1,2,3]}})";
    EXPECT_EQ(RunSql("SET @c = (temp_fahrenheit - 32) * 5 / 9 SELECT @c AS celsius, @c > 20 AS warm FROM 't' WHERE @c > 10", payload),
              R"({"celsius":23,"warm":true})");
    EXPECT_EQ(RunSql("SET @s = sensor, @first = @s.values[0] SELECT @s.name, @first + 1 AS next, @first FROM 't'", payload),
              R"({"name":"x","next":2,"first":1})");
    EXPECT_EQ(RunSql("SET @u = newuuid() SELECT @u = @u AS same FROM 't'", payload), R"({"same":true})");
    EXPECT_EQ(RunSql("SET @limit = 2 SELECT (SELECT VALUE v FROM items WHERE v >= @limit) AS large FROM 't'",
                     R"({"items":[{"v":1},{"v":2},{"v":3}]})"),
              R"({"large":[2,3]})");
    EXPECT_EQ(RunSql("SELECT @x FROM 't'", payload), "syntax 1:8 the variable @x is not set before");
    EXPECT_EQ(RunSql("SET @a = @b, @b = 1 SELECT * FROM 't'", payload), "syntax 1:10 the variable @b is not set before");
    EXPECT_EQ(RunSql("SET @a = 1, @a = 2 SELECT * FROM 't'", payload), "syntax 1:13 the variable @a is set twice");
    EXPECT_TRUE(RunSql("SET a = 1 SELECT * FROM 't'", payload).starts_with("syntax 1:5"));
    EXPECT_TRUE(RunSql("SET @ a = 1 SELECT * FROM 't'", payload).starts_with("syntax 1:7"));
    EXPECT_TRUE(RunSql("SET @" + std::string(65, 'a') + " = 1 SELECT * FROM 't'", payload).starts_with("syntax"));
}

TEST(IotSql, AVariableDoesNotGrowWithoutEnd) {
    std::string sql = "SET @v0 = [1, 2]";
    for (int i = 1; i < 90; ++i) {
        sql += ", @v" + std::to_string(i) + " = [@v" + std::to_string(i - 1) + ", @v" + std::to_string(i - 1) + "]";
    }
    EXPECT_EQ(RunSql(sql + " SELECT isUndefined(@v15) AS a, isUndefined(@v16) AS b, isUndefined(@v89) AS c FROM 't'", "{}"),
              R"({"a":false,"b":true,"c":false})");
}

TEST(IotSql, VariablesAreSeenByTheActionsOfTheirRule) {
    auto statement = Statement::Compile("SET @well = topic(2), @kind = kind SELECT * FROM 'oilfield/+/telemetry'");
    ASSERT_TRUE(statement);
    EXPECT_FALSE(Template::Compile("${@well}"));
    auto text = Template::Compile("${@well}/${@kind}", statement->get());
    ASSERT_TRUE(text);
    TestSurroundings surroundings;
    Evaluator evaluator(surroundings);
    MessageView message;
    message.topic = "oilfield/well-07/telemetry";
    message.payload = R"({"kind":"pump"})";
    evaluator.Begin(message);
    std::string out;
    ASSERT_TRUE(evaluator.Substitute(**text, out));
    EXPECT_EQ(out, "well-07/pump");
}

}  // namespace
}  // namespace wellhead::sql::iot
