// Which statement a text is, and all but Hive's DDL.
#include "sql/athena/statement.h"

#include <fmt/format.h>

#include "sql/athena/statement_reader.h"

namespace wellhead::sql::athena {
namespace {

using std::unexpected;

// The words before the first literal, lower-case: enough to tell whose lexical rules hold.
std::vector<std::string> FirstWords(std::string_view text) {
    std::vector<std::string> words;
    size_t i = 0;
    while (i < text.size() && words.size() < 12) {
        const char c = text[i];
        if (c == '-' && text.substr(i, 2) == "--") {
            i = std::min(text.find('\n', i), text.size());
        } else if (c == '/' && text.substr(i, 2) == "/*") {
            const size_t end = text.find("*/", i + 2);
            i = end == std::string_view::npos ? text.size() : end + 2;
        } else if (c == '\'') {
            break;
        } else if (c == '`' || c == '"') {
            const size_t end = std::min(text.find(c, i + 1), text.size());
            words.push_back("<name>");
            i = std::min(end + 1, text.size());
        } else if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f') {
            ++i;
        } else {
            const auto part = [](char p) { return (p >= 'a' && p <= 'z') || (p >= 'A' && p <= 'Z') || (p >= '0' && p <= '9') || p == '_' || (p & 0x80) != 0; };
            size_t end = i + 1;
            while (part(c) && end < text.size() && part(text[end])) ++end;
            words.push_back(Lower(text.substr(i, end - i)));
            i = end;
        }
    }
    return words;
}

bool IsHive(std::vector<std::string> words) {
    words.resize(12);
    if (words[0] == "alter") return words[1] == "table" || words[1] == "database" || words[1] == "schema";
    if (words[0] != "create") return false;
    if (words[1] == "external" || words[1] == "database" || words[1] == "schema") return true;
    if (words[1] != "table") return false;
    // CREATE TABLE name ( ...: columns. CREATE TABLE name [WITH (...)] AS: a query.
    size_t at = words[2] == "if" ? 5 : 2;
    while (at + 2 < words.size() && words[at + 1] == ".") at += 2;
    return at + 1 < words.size() && words[at + 1] == "(";
}

Translated<Statement> CreateTableAsStatement(StatementReader& in) {
    CreateTableAs made;
    made.if_not_exists = in.AcceptWords({"if", "not", "exists"});
    TAKE(name, in.Table());
    made.name = std::move(name);
    if (in.Accept("comment")) return in.NotSupported("COMMENT of CREATE TABLE AS is not served", made.name.at);
    if (in.Accept("with")) {
        TAKE(properties, in.WithList());
        made.properties = std::move(properties);
    }
    CHECKED(in.Expect("as"));
    // WITH [NO] DATA comes behind the query.
    TAKE(query, in.Query());
    made.query = std::move(query);
    auto end = StatementReader::Open(made.query.text, false);
    if (!end) return unexpected(end.error());
    const Token* last[3] = {};
    for (size_t i = 0; !end->cursor().AtEnd(); end->cursor().Next()) {
        if (end->cursor().IsSymbol(";")) continue;
        last[0] = last[1];
        last[1] = last[2];
        last[2] = &end->cursor().Peek();
        ++i;
    }
    const auto is = [](const Token* token, std::string_view word) { return token != nullptr && token->kind == TokenKind::kIdentifier && EqualsKeyword(token->value, word); };
    if (is(last[2], "data") && is(last[1], "with")) made.query.text.resize(last[1]->begin);
    if (is(last[2], "data") && is(last[1], "no") && is(last[0], "with")) {
        made.with_data = false;
        made.query.text.resize(last[0]->begin);
    }
    return made;
}

Translated<Statement> Create(StatementReader& in) {
    const bool or_replace = in.AcceptWords({"or", "replace"});
    if (in.Accept("view")) {
        CreateView made;
        made.or_replace = or_replace;
        TAKE(name, in.Table());
        made.name = std::move(name);
        CHECKED(in.Expect("as"));
        TAKE(query, in.Query());
        made.query = std::move(query);
        return made;
    }
    if (!or_replace && in.Accept("table")) return CreateTableAsStatement(in);
    return in.Wrong("'DATABASE', 'EXTERNAL', 'OR', 'SCHEMA', 'TABLE', 'VIEW'");
}

Translated<Statement> Drop(StatementReader& in) {
    const bool view = in.cursor().IsKeyword("view");
    if (in.Accept("table") || in.Accept("view")) {
        DropTable made;
        made.view = view;
        made.if_exists = in.AcceptWords({"if", "exists"});
        TAKE(name, in.Table());
        made.name = std::move(name);
        return made;
    }
    if (in.Accept("database") || in.Accept("schema")) {
        DropDatabase made;
        made.if_exists = in.AcceptWords({"if", "exists"});
        TAKE(name, in.Name());
        made.name = std::move(name);
        made.cascade = in.Accept("cascade");
        if (!made.cascade) in.Accept("restrict");
        return made;
    }
    return in.Wrong("'DATABASE', 'SCHEMA', 'TABLE', 'VIEW'");
}

Translated<Statement> InsertStatement(StatementReader& in) {
    const Position at = in.cursor().Peek().at;
    if (in.Accept("overwrite")) return in.NotSupported("INSERT OVERWRITE is not supported", at);
    CHECKED(in.Expect("into"));
    in.Accept("table");
    Insert made;
    TAKE(name, in.Table());
    made.name = std::move(name);
    const bool query = in.cursor().IsKeyword("select", 1) || in.cursor().IsKeyword("with", 1) || in.cursor().IsKeyword("values", 1) || in.cursor().IsSymbol("(", 1);
    if (in.cursor().IsSymbol("(") && !query) {
        in.cursor().Next();
        do {
            TAKE(column, in.Name());
            made.columns.push_back(std::move(column));
        } while (in.cursor().AcceptSymbol(","));
        CHECKED(in.ExpectSymbol(")"));
    }
    TAKE(text, in.Query());
    made.query = std::move(text);
    return made;
}

Translated<Statement> UnloadStatement(StatementReader& in) {
    Unload made;
    TAKE(query, in.BracketedQuery());
    made.query = std::move(query);
    CHECKED(in.Expect("to"));
    TAKE(location, in.Text());
    made.location = std::move(location);
    CHECKED(in.Expect("with"));
    TAKE(properties, in.WithList());
    made.properties = std::move(properties);
    return made;
}

Translated<Statement> ExplainStatement(StatementReader& in) {
    Explain made;
    made.analyze = in.Accept("analyze");
    if (in.cursor().AcceptSymbol("(")) {
        do {
            const Position at = in.cursor().Peek().at;
            TAKE(option, in.Name());
            TAKE(value, in.Name());
            if (option == "format" && (value == "text" || value == "json")) made.json = value == "json";
            else if (option != "type" || (value != "logical" && value != "distributed")) {
                return in.NotSupported(fmt::format("EXPLAIN ({} {}) is not served", option, value), at);
            }
        } while (in.cursor().AcceptSymbol(","));
        CHECKED(in.ExpectSymbol(")"));
    }
    TAKE(query, in.Query());
    made.query = std::move(query);
    return made;
}

Translated<Statement> DescribeStatement(StatementReader& in) {
    Describe made;
    made.view = in.cursor().IsKeyword("view") && IsName(in.cursor().Peek(1)) && !in.cursor().IsKeyword("partition", 1);
    if (made.view) in.cursor().Next();
    if ((in.cursor().IsKeyword("extended") || in.cursor().IsKeyword("formatted")) && IsName(in.cursor().Peek(1))) {
        in.cursor().Next();
        made.extended = true;
    }
    TAKE(name, in.Table());
    made.name = std::move(name);
    if (in.Accept("partition")) {
        TAKE(spec, in.Partition());
        made.partition = std::move(spec);
    }
    if (IsName(in.cursor().Peek())) {
        TAKE(column, in.Name());
        made.column = std::move(column);
    }
    return made;
}

Translated<void> Pattern(StatementReader& in, Show& made) {
    in.Accept("like");
    if (in.cursor().Peek().kind != TokenKind::kString) return {};
    TAKE(pattern, in.Text());
    made.pattern = std::move(pattern);
    return {};
}

Translated<Statement> ShowStatement(StatementReader& in) {
    using What = Show::What;
    Show made;
    if (in.Accept("databases") || in.Accept("schemas")) {
        made.what = What::kDatabases;
        CHECKED(Pattern(in, made));
    } else if (in.cursor().IsKeyword("tables") || in.cursor().IsKeyword("views")) {
        made.what = in.Accept("tables") ? What::kTables : What::kViews;
        if (made.what == What::kViews) in.Accept("views");
        if (in.Accept("in") || in.Accept("from")) {
            TAKE(database, in.Name());
            made.name.database = std::move(database);
        }
        CHECKED(Pattern(in, made));
    } else if (in.Accept("columns")) {
        made.what = What::kColumns;
        if (!in.Accept("in") && !in.Accept("from")) return in.Wrong("'FROM', 'IN'");
        TAKE(name, in.Table());
        made.name = std::move(name);
        if (in.Accept("in") || in.Accept("from")) {
            TAKE(database, in.Name());
            made.name.database = std::move(database);
        }
    } else if (in.Accept("partitions")) {
        made.what = What::kPartitions;
        TAKE(name, in.Table());
        made.name = std::move(name);
    } else if (in.Accept("create")) {
        made.what = in.cursor().IsKeyword("view") ? What::kCreateView : What::kCreateTable;
        if (!in.Accept("view") && !in.Accept("table")) return in.Wrong("'TABLE', 'VIEW'");
        TAKE(name, in.Table());
        made.name = std::move(name);
    } else if (in.Accept("tblproperties")) {
        made.what = What::kTableProperties;
        TAKE(name, in.Table());
        made.name = std::move(name);
        if (in.cursor().AcceptSymbol("(")) {
            TAKE(property, in.Text());
            made.property = std::move(property);
            CHECKED(in.ExpectSymbol(")"));
        }
    } else if (in.Accept("functions")) {
        made.what = What::kFunctions;
        CHECKED(Pattern(in, made));
    } else {
        return in.Wrong("'COLUMNS', 'CREATE', 'DATABASES', 'FUNCTIONS', 'PARTITIONS', 'SCHEMAS', 'TABLES', 'TBLPROPERTIES', 'VIEWS'");
    }
    return made;
}

Translated<Statement> ExecuteStatement(StatementReader& in, const std::string& text) {
    Execute made;
    made.at = in.cursor().Peek().at;
    TAKE(name, in.Name());
    made.name = std::move(name);
    if (!in.Accept("using")) return made;
    size_t begin = in.cursor().Peek().begin;
    size_t end = begin;
    int depth = 0;
    for (;;) {
        const Token& token = in.cursor().Peek();
        const bool done = token.kind == TokenKind::kEnd || in.cursor().IsSymbol(";");
        if (done || (depth == 0 && in.cursor().IsSymbol(","))) {
            if (end == begin) return in.Wrong("<expression>");
            made.parameters.push_back(text.substr(begin, end - begin));
            if (done) return made;
            in.cursor().Next();
            begin = end = in.cursor().Peek().begin;
            continue;
        }
        if (token.value == "(" || token.value == "[") ++depth;
        if (token.value == ")" || token.value == "]") --depth;
        end = token.end;
        in.cursor().Next();
    }
}

Translated<Statement> Prepared(StatementReader& in) {
    Prepare made;
    TAKE(name, in.Name());
    made.name = std::move(name);
    CHECKED(in.Expect("from"));
    TAKE(query, in.Query());
    made.query = std::move(query);
    return made;
}

}  // namespace

Translated<Statement> ParseTrino(StatementReader& in, const std::string& text) {
    const Token first = in.cursor().Peek();
    const std::string word = first.kind == TokenKind::kIdentifier ? Lower(first.value) : first.value;
    if (word == "select" || word == "with" || word == "values" || word == "(" || (word == "table" && first.kind == TokenKind::kIdentifier)) {
        TAKE(query, in.Query());
        return SelectQuery{std::move(query)};
    }
    struct Refused {
        std::string_view word, why;
    };
    static constexpr Refused kRefused[] = {
        {"update", "UPDATE is for Iceberg tables, which are not served"}, {"delete", "DELETE is for Iceberg tables, which are not served"},
        {"merge", "MERGE is for Iceberg tables, which are not served"},   {"optimize", "OPTIMIZE is for Iceberg tables, which are not served"},
        {"vacuum", "VACUUM is for Iceberg tables, which are not served"}};
    for (const Refused& refused : kRefused) {
        if (word == refused.word) return in.NotSupported(std::string(refused.why), first.at);
    }
    if (in.Accept("create")) return Create(in);
    if (in.Accept("drop")) return Drop(in);
    if (in.Accept("insert")) return InsertStatement(in);
    if (in.Accept("unload")) return UnloadStatement(in);
    if (in.Accept("explain")) return ExplainStatement(in);
    if (in.Accept("describe") || in.Accept("desc")) return DescribeStatement(in);
    if (in.Accept("show")) return ShowStatement(in);
    if (in.Accept("prepare")) return Prepared(in);
    if (in.Accept("execute")) return ExecuteStatement(in, text);
    if (in.Accept("deallocate")) {
        CHECKED(in.Expect("prepare"));
        TAKE(name, in.Name());
        return Deallocate{std::move(name)};
    }
    if (in.Accept("msck")) {
        CHECKED(in.Expect("repair"));
        CHECKED(in.Expect("table"));
        TAKE(name, in.Table());
        return RepairTable{std::move(name)};
    }
    return in.Wrong("'ALTER', 'CREATE', 'DEALLOCATE', 'DESC', 'DESCRIBE', 'DROP', 'EXECUTE', 'EXPLAIN', 'INSERT', 'MSCK', 'PREPARE', 'SHOW', 'UNLOAD', <query>");
}

Translated<Statement> ParseStatement(const std::string& text) {
    const bool hive = IsHive(FirstWords(text));
    auto in = StatementReader::Open(text, hive);
    if (!in) return unexpected(in.error());
    auto statement = hive ? ParseHive(*in) : ParseTrino(*in, text);
    if (!statement) return statement;
    CHECKED(in->End());
    return statement;
}

StatementName NameOf(const Statement& statement) {
    struct Namer {
        StatementName operator()(const SelectQuery&) { return {"DML", "SELECT"}; }
        StatementName operator()(const CreateDatabase&) { return {"DDL", "CREATE_DATABASE"}; }
        StatementName operator()(const DropDatabase&) { return {"DDL", "DROP_DATABASE"}; }
        StatementName operator()(const SetDatabaseProperties&) { return {"DDL", "ALTER_DATABASE"}; }
        StatementName operator()(const CreateTable&) { return {"DDL", "CREATE_TABLE"}; }
        StatementName operator()(const CreateTableAs&) { return {"DDL", "CREATE_TABLE_AS_SELECT"}; }
        StatementName operator()(const DropTable& s) { return {"DDL", s.view ? "DROP_VIEW" : "DROP_TABLE"}; }
        StatementName operator()(const CreateView&) { return {"DDL", "CREATE_VIEW"}; }
        StatementName operator()(const AddPartitions&) { return {"DDL", "ALTER_TABLE_ADD_PARTITION"}; }
        StatementName operator()(const DropPartitions&) { return {"DDL", "ALTER_TABLE_DROP_PARTITION"}; }
        StatementName operator()(const RenamePartition&) { return {"DDL", "ALTER_TABLE_RENAME_PARTITION"}; }
        StatementName operator()(const ChangeColumns& s) { return {"DDL", s.replace ? "ALTER_TABLE_REPLACE_COLUMN" : "ALTER_TABLE_ADD_COLUMN"}; }
        StatementName operator()(const SetLocation&) { return {"DDL", "ALTER_TABLE_SET_LOCATION"}; }
        StatementName operator()(const SetTableProperties&) { return {"DDL", "ALTER_TABLE_SET_PROPERTIES"}; }
        StatementName operator()(const RepairTable&) { return {"DDL", "MSCK_REPAIR_TABLE"}; }
        StatementName operator()(const Insert&) { return {"DML", "INSERT"}; }
        StatementName operator()(const Unload&) { return {"DML", "UNLOAD"}; }
        StatementName operator()(const Explain&) { return {"UTILITY", "EXPLAIN"}; }
        StatementName operator()(const Describe&) { return {"UTILITY", "DESCRIBE_TABLE"}; }
        StatementName operator()(const Show& s) {
            static constexpr std::string_view kNames[] = {"SHOW_DATABASES",  "SHOW_TABLES",       "SHOW_VIEWS",       "SHOW_COLUMNS",  "SHOW_PARTITIONS",
                                                          "SHOW_CREATE_TABLE", "SHOW_CREATE_VIEW", "SHOW_TBLPROPERTIES", "SHOW_FUNCTIONS"};
            return {"UTILITY", kNames[static_cast<size_t>(s.what)]};
        }
        StatementName operator()(const Prepare&) { return {"DML", "PREPARE"}; }
        StatementName operator()(const Execute&) { return {"DML", "EXECUTE"}; }
        StatementName operator()(const Deallocate&) { return {"DML", "DEALLOCATE"}; }
    };
    return std::visit(Namer{}, statement);
}

}  // namespace wellhead::sql::athena
