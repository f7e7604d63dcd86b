// SHOW and DESCRIBE: what the catalog holds, one line a row.
#include <fmt/format.h>

#include <algorithm>

#include "services/athena/statement_run.h"

namespace wellhead::services::athena {

using std::unexpected;
namespace glue = apis::glue;
namespace sa = sql::athena;

namespace {

std::string Lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return out;
}

bool MatchesOne(std::string_view text, std::string_view pattern) {
    size_t t = 0, p = 0, resume = 0;
    size_t star = std::string_view::npos;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            resume = t;
        } else if (p < pattern.size() && (pattern[p] == text[t] || pattern[p] == '.')) {
            ++p;
            ++t;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            t = ++resume;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*') ++p;
    return p == pattern.size();
}

// Hive's pattern: * is any characters, | either; .* as in expressions means the same.
bool Matches(const std::string& name, const std::optional<std::string>& pattern) {
    if (!pattern) return true;
    std::string folded = Lower(*pattern);
    for (size_t at = folded.find(".*"); at != std::string::npos; at = folded.find(".*", at)) folded.erase(at, 1);
    size_t from = 0;
    while (from <= folded.size()) {
        const size_t bar = std::min(folded.find('|', from), folded.size());
        if (MatchesOne(name, std::string_view(folded).substr(from, bar - from))) return true;
        from = bar + 1;
    }
    return false;
}

std::string QuoteHive(std::string_view text) {
    std::string out = "'";
    for (const char c : text) {
        if (c == '\'' || c == '\\') out += '\\';
        if (static_cast<unsigned char>(c) < 0x20) out += fmt::format("\\u{:04X}", c);
        else out += c;
    }
    return out + "'";
}

std::string ColumnLines(const std::vector<glue::Column>& columns) {
    std::string out;
    for (size_t i = 0; i < columns.size(); ++i) {
        const glue::Column& column = columns[i];
        out += fmt::format("  `{}` {}{}{}", column.Name, column.Type.value_or("string"), column.Comment ? " COMMENT " + QuoteHive(*column.Comment) : "",
                           i + 1 < columns.size() ? ", \n" : ")\n");
    }
    return out;
}

std::string PropertyLines(const std::map<std::string, std::string>& properties) {
    std::string out;
    for (const auto& [key, value] : properties) out += fmt::format("{}  {}={}", out.empty() ? "" : ", \n", QuoteHive(key), QuoteHive(value));
    return out + ")\n";
}

}  // namespace

std::string TableDdl(const glue::Table& table) {
    const auto none = std::vector<glue::Column>{};
    const glue::StorageDescriptor storage = table.StorageDescriptor.value_or(glue::StorageDescriptor{});
    std::string out = fmt::format("CREATE EXTERNAL TABLE `{}`(\n", table.Name);
    out += storage.Columns && !storage.Columns->empty() ? ColumnLines(*storage.Columns) : ")\n";
    const auto& parameters = table.Parameters;
    if (parameters && parameters->contains("comment")) out += "COMMENT " + QuoteHive(parameters->at("comment")) + "\n";
    if (table.PartitionKeys && !table.PartitionKeys->empty()) out += "PARTITIONED BY ( \n" + ColumnLines(*table.PartitionKeys);
    if (storage.SerdeInfo) {
        out += "ROW FORMAT SERDE \n  " + QuoteHive(storage.SerdeInfo->SerializationLibrary.value_or("")) + " \n";
        std::map<std::string, std::string> serde;
        if (storage.SerdeInfo->Parameters) serde.insert(storage.SerdeInfo->Parameters->begin(), storage.SerdeInfo->Parameters->end());
        if (serde.size() == 1 && serde.contains("serialization.format") && serde.at("serialization.format") == "1") serde.clear();
        if (!serde.empty()) out += "WITH SERDEPROPERTIES ( \n" + PropertyLines(serde);
    }
    out += "STORED AS INPUTFORMAT \n  " + QuoteHive(storage.InputFormat.value_or("")) + " \n";
    out += "OUTPUTFORMAT \n  " + QuoteHive(storage.OutputFormat.value_or("")) + "\n";
    out += "LOCATION\n  " + QuoteHive(storage.Location.value_or("")) + "\n";
    std::map<std::string, std::string> shown;
    if (parameters) shown.insert(parameters->begin(), parameters->end());
    shown.erase("EXTERNAL");
    shown.erase("comment");
    if (!shown.empty()) out += "TBLPROPERTIES (\n" + PropertyLines(shown);
    return out;
}

env::Task<Ran> StatementRun::Do(const sa::Describe& statement) {
    const sa::TableName name = Named(statement.name);
    auto table = co_await GetTable(name, true);
    if (!table) co_return unexpected(table.error());
    const auto none = std::vector<glue::Column>{};
    const auto& columns = table->StorageDescriptor && table->StorageDescriptor->Columns ? *table->StorageDescriptor->Columns : none;
    const auto& keys = table->PartitionKeys ? *table->PartitionKeys : none;
    const auto line = [](const glue::Column& column) {
        return fmt::format("{:<20}\t{:<20}\t{:<20}\n", column.Name, column.Type.value_or("string"), column.Comment.value_or(""));
    };
    std::string text;
    bool any = !statement.column;
    for (const auto* some : {&columns, &keys}) {
        for (const glue::Column& column : *some) {
            if (statement.column && column.Name != *statement.column) continue;
            any = true;
            text += line(column);
        }
    }
    if (!any) co_return unexpected(fmt::format("FAILED: SemanticException [Error 10002]: Invalid column reference {}", *statement.column));
    if (!keys.empty() && !statement.column) {
        text += fmt::format("\t \t \n# Partition Information\t \t \n{:<20}\t{:<20}\t{:<20}\n\t \t \n", "# col_name", "data_type", "comment");
        for (const glue::Column& key : keys) text += line(key);
    }
    if (statement.extended) {
        const auto detail = [&text](std::string_view key, std::string_view value) { text += fmt::format("{:<20}\t{:<20}\t \n", key, value); };
        text += "\t \t \n# Detailed Table Information\t \t \n";
        detail("Database:", name.database);
        detail("Owner:", table->Owner.value_or(""));
        detail("CreateTime:", fmt::format("{}", table->CreateTime ? base::ToUnixMs(*table->CreateTime) / 1000 : 0));
        if (table->StorageDescriptor) detail("Location:", table->StorageDescriptor->Location.value_or(""));
        detail("Table Type:", table->TableType.value_or(""));
        for (const auto& [key, value] : table->Parameters.value_or(std::map<std::string, std::string>{})) detail("\t" + key, value);
    }
    co_return co_await Text(StringColumns("col_name", "data_type", "comment"), std::move(text));
}

env::Task<Ran> StatementRun::ShowNames(const sa::Show& statement) {
    using What = sa::Show::What;
    std::string text;
    std::optional<std::string> token;
    if (statement.what == What::kDatabases) {
        do {
            glue::GetDatabasesRequest request;
            request.NextToken = token;
            auto page = co_await deps_.glue.GetDatabases(context_.call, std::move(request));
            if (!page) co_return unexpected(MetastoreReason(page.error()));
            for (const glue::Database& database : page->DatabaseList) {
                if (Matches(database.Name, statement.pattern)) text += database.Name + "\n";
            }
            token = page->NextToken;
        } while (token);
        co_return co_await Text(StringColumns("database_name"), std::move(text));
    }
    const sa::TableName name = Named(statement.name);
    do {
        glue::GetTablesRequest request;
        request.DatabaseName = name.database;
        request.NextToken = token;
        auto page = co_await deps_.glue.GetTables(context_.call, std::move(request));
        if (!page) {
            if (page.error().code != "EntityNotFoundException") co_return unexpected(MetastoreReason(page.error()));
            if (name.database == "default") break;  // not made yet: nothing is in it
            co_return unexpected(fmt::format("FAILED: SemanticException [Error 10072]: Database does not exist: {}", name.database));
        }
        for (const glue::Table& table : *page->TableList) {
            if (statement.what == What::kViews && table.TableType != "VIRTUAL_VIEW") continue;
            if (Matches(table.Name, statement.pattern)) text += table.Name + "\n";
        }
        token = page->NextToken;
    } while (token);
    auto columns = StringColumns(statement.what == What::kViews ? "views" : "tab_name");
    co_return co_await Text(std::move(columns), std::move(text));
}

env::Task<Ran> StatementRun::Do(const sa::Show& statement) {
    using What = sa::Show::What;
    switch (statement.what) {
        case What::kDatabases:
        case What::kTables:
        case What::kViews: co_return co_await ShowNames(statement);
        case What::kFunctions: co_return unexpected("NOT_SUPPORTED: line 1:1: SHOW FUNCTIONS is not served");
        default: break;
    }
    const sa::TableName name = Named(statement.name);
    auto table = co_await GetTable(name, statement.what != What::kCreateView);
    if (!table) co_return unexpected(table.error());
    std::string text;
    if (statement.what == What::kColumns) {
        const auto add = [&text](const std::optional<std::vector<glue::Column>>& columns) {
            if (!columns) return;
            for (const glue::Column& column : *columns) text += column.Name + "\n";
        };
        if (table->StorageDescriptor) add(table->StorageDescriptor->Columns);
        add(table->PartitionKeys);
        co_return co_await Text(StringColumns("field"), std::move(text));
    }
    if (statement.what == What::kPartitions) {
        if (!table->PartitionKeys || table->PartitionKeys->empty()) {
            co_return unexpected(fmt::format("FAILED: SemanticException [Error 10241]: Table {}.{} is not a partitioned table", name.database, name.table));
        }
        auto partitions = co_await GetPartitions(name, "");
        if (!partitions) co_return unexpected(partitions.error());
        for (const glue::Partition& partition : *partitions) text += PartitionFolder(*table->PartitionKeys, *partition.Values) + "\n";
        co_return co_await Text(StringColumns("partition"), std::move(text));
    }
    if (statement.what == What::kTableProperties) {
        for (const auto& [key, value] : table->Parameters.value_or(std::map<std::string, std::string>{})) {
            if (!statement.property || *statement.property == key) text += statement.property ? value + "\n" : fmt::format("{}\t{}\n", key, value);
        }
        if (statement.property && text.empty()) text = fmt::format("Table {}.{} does not have property: {}\n", name.database, name.table, *statement.property);
        co_return co_await Text(StringColumns("prpt_name", "prpt_value"), std::move(text));
    }
    const bool view = table->TableType == "VIRTUAL_VIEW";
    if (statement.what == What::kCreateView || view) {
        const auto stored = view ? ReadView(*table) : std::nullopt;
        if (!stored) co_return unexpected(fmt::format("NOT_SUPPORTED: line {}:{}: '{}.{}' is not a view", name.at.line, name.at.column, name.database, name.table));
        text = fmt::format("CREATE VIEW {}.{} AS\n{}\n", name.database, name.table, stored->sql);
        co_return co_await Text(StringColumns("Create View"), std::move(text));
    }
    co_return co_await Text(StringColumns("createtab_stmt"), TableDdl(*table));
}

}  // namespace wellhead::services::athena
