// Hive's DDL as Athena takes it: databases, external tables, ALTER TABLE.
#include <fmt/format.h>

#include "sql/athena/statement_reader.h"

namespace wellhead::sql::athena {
namespace {

using std::unexpected;

Translated<Statement> CreateDatabaseStatement(StatementReader& in) {
    CreateDatabase made;
    made.if_not_exists = in.AcceptWords({"if", "not", "exists"});
    TAKE(name, in.Name());
    made.name = std::move(name);
    if (in.Accept("comment")) {
        TAKE(comment, in.Text());
        made.comment = std::move(comment);
    }
    if (in.Accept("location")) {
        TAKE(location, in.Text());
        made.location = std::move(location);
    }
    if (in.AcceptWords({"with", "dbproperties"})) {
        TAKE(properties, in.PropertyList());
        made.properties = std::move(properties);
    }
    return made;
}

Translated<void> RowFormat(StatementReader& in, CreateTable& made) {
    CHECKED(in.Expect("format"));
    if (in.Accept("serde")) {
        TAKE(serde, in.Text());
        made.serde = std::move(serde);
        if (in.AcceptWords({"with", "serdeproperties"})) {
            TAKE(properties, in.PropertyList());
            made.serde_properties = std::move(properties);
        }
        return {};
    }
    CHECKED(in.Expect("delimited"));
    made.delimited = true;
    const auto take = [&](const char* key) -> Translated<void> {
        TAKE(value, in.Text());
        made.serde_properties[key] = std::move(value);
        return {};
    };
    if (in.AcceptWords({"fields", "terminated", "by"})) {
        CHECKED(take("field.delim"));
        if (in.AcceptWords({"escaped", "by"})) CHECKED(take("escape.delim"));
    }
    if (in.AcceptWords({"collection", "items", "terminated", "by"})) CHECKED(take("collection.delim"));
    if (in.AcceptWords({"map", "keys", "terminated", "by"})) CHECKED(take("mapkey.delim"));
    if (in.AcceptWords({"lines", "terminated", "by"})) CHECKED(take("line.delim"));
    if (in.AcceptWords({"null", "defined", "as"})) CHECKED(take("serialization.null.format"));
    return {};
}

Translated<void> StoredAs(StatementReader& in, CreateTable& made) {
    CHECKED(in.Expect("as"));
    if (in.Accept("inputformat")) {
        TAKE(input, in.Text());
        CHECKED(in.Expect("outputformat"));
        TAKE(output, in.Text());
        made.input_format = std::move(input);
        made.output_format = std::move(output);
        return {};
    }
    TAKE(format, in.Name());
    std::string upper;
    for (const char c : format) upper += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    made.stored_as = std::move(upper);
    return {};
}

Translated<Statement> CreateTableStatement(StatementReader& in) {
    CreateTable made;
    made.external = in.Accept("external");
    CHECKED(in.Expect("table"));
    made.if_not_exists = in.AcceptWords({"if", "not", "exists"});
    TAKE(name, in.Table());
    made.name = std::move(name);
    if (in.Accept("like")) return in.NotSupported("CREATE TABLE LIKE is not served", made.name.at);
    TAKE(columns, in.Columns());
    made.columns = std::move(columns);
    for (;;) {
        const Position at = in.cursor().Peek().at;
        if (in.Accept("comment")) {
            TAKE(comment, in.Text());
            made.comment = std::move(comment);
        } else if (in.AcceptWords({"partitioned", "by"})) {
            TAKE(keys, in.Columns());
            made.partition_keys = std::move(keys);
        } else if (in.AcceptWords({"clustered", "by"})) {
            return in.NotSupported("CLUSTERED BY is not served: files are read whole, a bucket of them is not told apart", at);
        } else if (in.Accept("row")) {
            CHECKED(RowFormat(in, made));
        } else if (in.AcceptWords({"with", "serdeproperties"})) {
            TAKE(properties, in.PropertyList());
            made.serde_properties.insert(properties.begin(), properties.end());
        } else if (in.Accept("stored")) {
            CHECKED(StoredAs(in, made));
        } else if (in.Accept("location")) {
            TAKE(location, in.Text());
            made.location = std::move(location);
        } else if (in.Accept("tblproperties")) {
            TAKE(properties, in.PropertyList());
            made.properties = std::move(properties);
        } else {
            break;
        }
    }
    return made;
}

Translated<Statement> Create(StatementReader& in) {
    if (in.Accept("database") || in.Accept("schema")) return CreateDatabaseStatement(in);
    return CreateTableStatement(in);
}

// k = 'v' and k > 3, ...: of DROP PARTITION.
Translated<std::string> PartitionFilter(StatementReader& in) {
    CHECKED(in.ExpectSymbol("("));
    std::string filter;
    static constexpr std::string_view kOperators[] = {"=", "<", ">", "<=", ">=", "<>", "!="};
    do {
        TAKE(key, in.Name());
        std::string symbol;
        for (const std::string_view op : kOperators) {
            if (symbol.empty() && in.cursor().AcceptSymbol(op)) symbol = op;
        }
        if (symbol.empty()) return in.Wrong("'=', '<', '>', '<=', '>=', '<>', '!='");
        TAKE(value, in.Value());
        filter += fmt::format("{}{} {} {}", filter.empty() ? "" : " AND ", key, symbol, Quoted(value, '\''));
    } while (in.cursor().AcceptSymbol(","));
    CHECKED(in.ExpectSymbol(")"));
    return filter;
}

Translated<Statement> AlterTable(StatementReader& in) {
    TAKE(name, in.Table());
    const Position at = in.cursor().Peek().at;
    if (in.Accept("add")) {
        if (in.AcceptWords({"columns"})) {
            ChangeColumns made{std::move(name), false, {}};
            TAKE(columns, in.Columns());
            made.columns = std::move(columns);
            return made;
        }
        AddPartitions made;
        made.name = std::move(name);
        made.if_not_exists = in.AcceptWords({"if", "not", "exists"});
        CHECKED(in.Expect("partition"));
        do {
            TAKE(spec, in.Partition());
            std::optional<std::string> location;
            if (in.Accept("location")) {
                TAKE(text, in.Text());
                location = std::move(text);
            }
            made.partitions.emplace_back(std::move(spec), std::move(location));
            in.cursor().AcceptSymbol(",");
        } while (in.Accept("partition"));
        return made;
    }
    if (in.AcceptWords({"replace", "columns"})) {
        ChangeColumns made{std::move(name), true, {}};
        TAKE(columns, in.Columns());
        made.columns = std::move(columns);
        return made;
    }
    if (in.Accept("drop")) {
        DropPartitions made;
        made.name = std::move(name);
        made.if_exists = in.AcceptWords({"if", "exists"});
        if (in.cursor().IsKeyword("column")) return in.NotSupported("DROP COLUMN is for Iceberg tables, which are not served", at);
        CHECKED(in.Expect("partition"));
        do {
            TAKE(filter, PartitionFilter(in));
            made.filters.push_back(std::move(filter));
            if (in.cursor().AcceptSymbol(",")) {
                CHECKED(in.Expect("partition"));
            } else if (!in.Accept("partition")) {
                break;
            }
        } while (true);
        in.Accept("purge");
        return made;
    }
    PartitionSpec spec;
    if (in.Accept("partition")) {
        TAKE(taken, in.Partition());
        spec = std::move(taken);
        if (in.AcceptWords({"rename", "to", "partition"})) {
            TAKE(to, in.Partition());
            return RenamePartition{std::move(name), std::move(spec), std::move(to)};
        }
    }
    if (in.AcceptWords({"set", "location"})) {
        TAKE(location, in.Text());
        return SetLocation{std::move(name), std::move(spec), std::move(location)};
    }
    if (spec.empty() && in.AcceptWords({"set", "tblproperties"})) {
        TAKE(properties, in.PropertyList());
        return SetTableProperties{std::move(name), std::move(properties)};
    }
    if (in.cursor().IsKeyword("change") || in.cursor().IsKeyword("rename")) {
        return in.NotSupported(fmt::format("ALTER TABLE {} is not served", in.cursor().Peek().value), at);
    }
    return in.Wrong("'ADD', 'DROP', 'PARTITION', 'REPLACE', 'SET'");
}

}  // namespace

Translated<Statement> ParseHive(StatementReader& in) {
    if (in.Accept("create")) return Create(in);
    if (in.Accept("alter")) {
        if (in.Accept("database") || in.Accept("schema")) {
            SetDatabaseProperties made;
            TAKE(name, in.Name());
            made.name = std::move(name);
            CHECKED(in.Expect("set"));
            CHECKED(in.Expect("dbproperties"));
            TAKE(properties, in.PropertyList());
            made.properties = std::move(properties);
            return made;
        }
        CHECKED(in.Expect("table"));
        return AlterTable(in);
    }
    return in.Wrong("'ALTER', 'CREATE'");
}

}  // namespace wellhead::sql::athena
