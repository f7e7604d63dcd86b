#include "services/athena/table_scan.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <set>

#include "codec/base64.h"

namespace wellhead::services::athena {

using base::ErrorCode;
using base::Fail;
using base::Result;
using sql::athena::PartitionCondition;
using sql::athena::QueryError;
using sql::athena::TableReference;
using sql::athena::Translated;
using std::unexpected;
namespace wire = apis::glue;

namespace {

constexpr int kMaxViewDepth = 16;
constexpr std::string_view kViewMark = "/* Presto View: ";

bool IsNumber(const std::string& type) {
    static constexpr std::string_view kTypes[] = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "FLOAT", "DOUBLE"};
    return type.starts_with("DECIMAL") || std::find(std::begin(kTypes), std::end(kTypes), type) != std::end(kTypes);
}

std::vector<sql::PartitionKeyType> KeyTypes(const wire::Table& table) {
    std::vector<sql::PartitionKeyType> keys;
    for (const wire::Column& column : *table.PartitionKeys) keys.push_back({column.Name, column.Type.value_or("string")});
    return keys;
}

bool SpeaksOfKeysAlone(const PartitionCondition& condition, const std::vector<TypedColumn>& keys) {
    return std::all_of(condition.columns.begin(), condition.columns.end(), [&](const auto& used) {
        const auto key = std::find_if(keys.begin(), keys.end(), [&](const TypedColumn& k) { return k.name == used.first; });
        return key != keys.end() && IsNumber(key->type) == used.second;
    });
}

// What Hive's names of folders say, as DuckDB reads them: key=value segments, values percent-decoded.
std::vector<std::pair<std::string, std::string>> HiveSegments(std::string_view path) {
    std::vector<std::pair<std::string, std::string>> segments;
    while (true) {
        const size_t slash = path.find('/');
        if (slash == std::string_view::npos) return segments;
        const std::string_view segment = path.substr(0, slash);
        path.remove_prefix(slash + 1);
        const size_t equals = segment.find('=');
        if (equals == std::string_view::npos) continue;
        std::string value;
        const auto hex = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; };
        for (size_t i = equals + 1; i < segment.size(); ++i) {
            if (segment[i] == '%' && i + 2 < segment.size() && hex(segment[i + 1]) >= 0 && hex(segment[i + 2]) >= 0) {
                value += static_cast<char>(hex(segment[i + 1]) * 16 + hex(segment[i + 2]));
                i += 2;
            } else {
                value += segment[i];
            }
        }
        segments.emplace_back(segment.substr(0, equals), std::move(value));
    }
}

// A folder's name for DuckDB to read the value from.
std::string HiveFolder(const std::string& key, const std::string& value) {
    std::string out = key + "=";
    for (const char c : value) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == ':' || c == ' ' ||
                           (c == '.' && out.back() != '=');
        out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return out;
}

unexpected<QueryError> FailAt(const TableReference& reference, std::string name, std::string message) {
    return unexpected(QueryError{std::move(name), std::move(message), reference.at});
}

}  // namespace

std::string KeyExpression(const std::vector<TypedColumn>& keys, const std::vector<std::vector<PartitionCondition>>& uses) {
    std::string any;
    for (const auto& conditions : uses) {
        std::string all;
        for (const PartitionCondition& condition : conditions) {
            if (SpeaksOfKeysAlone(condition, keys)) all += fmt::format("{}({})", all.empty() ? "" : " AND ", condition.expression);
        }
        if (all.empty()) return "";
        any += fmt::format("{}({})", any.empty() ? "" : " OR ", all);
    }
    return any;
}

std::optional<StoredView> ReadView(const wire::Table& table) {
    const std::string text = table.ViewOriginalText.value_or("");
    if (!text.starts_with(kViewMark)) {
        // Hive's own: the query as it is.
        if (text.empty() || text.starts_with("/*")) return std::nullopt;
        return StoredView{table.ViewExpandedText.value_or(text), table.DatabaseName.value_or("default")};
    }
    const size_t end = text.rfind(" */");
    const auto decoded = codec::DecodeBase64(text.substr(kViewMark.size(), end == std::string::npos ? end : end - kViewMark.size()));
    if (!decoded) return std::nullopt;
    boost::system::error_code error;
    const boost::json::value json = boost::json::parse(*decoded, error);
    const auto* object = error ? nullptr : json.if_object();
    const auto text_of = [&](const char* name) {
        const auto* value = object == nullptr ? nullptr : object->if_contains(name);
        return value == nullptr || !value->is_string() ? std::string() : std::string(value->get_string());
    };
    StoredView view{text_of("originalSql"), text_of("schema")};
    if (view.sql.empty()) return std::nullopt;
    return view;
}

env::Task<Result<std::vector<TableScanner::Partition>>> TableScanner::Partitions(const wire::Table& table, std::string database,
                                                                               const std::vector<std::vector<PartitionCondition>>& uses) {
    CO_ASSIGN_OR_RETURN(const auto keys, TypedColumns(table.PartitionKeys));
    const std::string expression = KeyExpression(keys, uses);
    std::vector<Partition> partitions;
    if (IsProjected(table)) {
        KeyConditions conditions;
        CO_ASSIGN_OR_RETURN(conditions.all, sql::ParsePartitionFilter(expression, KeyTypes(table)));
        for (const TypedColumn& key : keys) {
            const std::vector<TypedColumn> alone = {key};
            const std::string of_key = KeyExpression(alone, uses);
            sql::PartitionFilter filter;
            if (!of_key.empty()) {
                CO_ASSIGN_OR_RETURN(filter, sql::ParsePartitionFilter(of_key, KeyTypes(table)));
            }
            conditions.each.push_back(std::move(filter));
            auto& equal = conditions.equal.emplace_back();
            for (const auto& of_use : uses) {
                for (const PartitionCondition& condition : of_use) {
                    if (!condition.equal_to.empty() && condition.columns.front().first == key.name) equal.insert(equal.end(), condition.equal_to.begin(), condition.equal_to.end());
                }
            }
            std::sort(equal.begin(), equal.end());
            equal.erase(std::unique(equal.begin(), equal.end()), equal.end());
        }
        CO_ASSIGN_OR_RETURN(auto projected, Project(table, conditions, clock_.Now()));
        for (ProjectedPartition& partition : projected) partitions.push_back({std::move(partition.values), std::move(partition.location), {}});
        co_return partitions;
    }
    std::optional<std::string> token;
    do {
        wire::GetPartitionsRequest request;
        request.DatabaseName = database;
        request.TableName = table.Name;
        request.ExcludeColumnSchema = true;
        if (!expression.empty()) request.Expression = expression;
        request.NextToken = token;
        auto page = co_await glue_.GetPartitions(context_, std::move(request));
        if (!page) co_return Fail(ErrorCode::kUnavailable, page.error().message);
        for (wire::Partition& partition : *page->Partitions) {
            if (!partition.StorageDescriptor || !partition.StorageDescriptor->Location) continue;
            partitions.push_back({std::move(*partition.Values), std::move(*partition.StorageDescriptor->Location), {}});
        }
        token = page->NextToken;
    } while (token);
    co_return partitions;
}

env::Task<Result<void>> TableScanner::ListFiles(std::vector<Partition>& partitions) {
    // By bucket and prefix; partitions of one place share its files.
    std::map<std::string, std::map<std::string, std::vector<size_t>>> places;
    for (size_t i = 0; i < partitions.size(); ++i) {
        CO_ASSIGN_OR_RETURN(auto place, ParseS3Folder(partitions[i].location));
        places[place.bucket][place.key].push_back(i);
    }
    struct Found {
        const std::vector<size_t>* owners;
        std::string key;
    };
    for (const auto& [bucket, prefixes] : places) {
        std::vector<std::string> names;
        std::vector<const std::vector<size_t>*> owners;
        bool nested = false;
        for (const auto& [prefix, owner] : prefixes) {
            nested = nested || (!names.empty() && prefix.starts_with(names.back()));
            names.push_back(prefix);
            owners.push_back(&owner);
        }
        std::vector<Found> found;
        if (nested) {
            for (size_t i = 0; i < names.size(); ++i) {
                std::vector<std::string> one = {names[i]};
                const auto note = [&found, &owners, i](size_t, const apis::s3::Object& object) { found.push_back({owners[i], *object.Key}); };
                auto listed = co_await lake_.List(context_, bucket, std::move(one), note);
                if (!listed) co_return unexpected(listed.error());
            }
        } else {
            const auto note = [&found, &owners](size_t i, const apis::s3::Object& object) { found.push_back({owners[i], *object.Key}); };
            auto listed = co_await lake_.List(context_, bucket, std::move(names), note);
            if (!listed) co_return unexpected(listed.error());
        }
        for (Found& one : found) {
            auto file = co_await lake_.Find(bucket, std::move(one.key));
            if (!file && file.error().code == ErrorCode::kNotFound) continue;  // deleted meanwhile
            if (!file) co_return unexpected(file.error());
            for (const size_t owner : *one.owners) partitions[owner].files.push_back(*file);
        }
    }
    co_return Result<void>{};
}

env::Task<Result<TableFiles>> TableScanner::Arrange(const wire::Table& table, std::vector<Partition> partitions) {
    std::erase_if(partitions, [](const Partition& partition) { return partition.files.empty(); });
    TableFiles made;
    const bool keyed = table.PartitionKeys && !table.PartitionKeys->empty();
    if (!keyed || partitions.size() <= 1) made.values.emplace();
    const std::vector<std::pair<std::string, std::string>> around = HiveSegments(links_);
    std::vector<std::pair<std::string, std::string>> links;  // file, name
    for (Partition& partition : partitions) {
        if (keyed && partition.values.size() != table.PartitionKeys->size()) co_return Fail(ErrorCode::kCorrupt, "a partition has not as many values as the table has keys");
        std::vector<std::pair<std::string, std::string>> wanted = around;
        std::string folder = fmt::format("{}/{}", links_, linked_);
        for (size_t i = 0; keyed && i < partition.values.size(); ++i) {
            const std::string& key = (*table.PartitionKeys)[i].Name;
            const bool null = partition.values[i] == kNullPartition;
            made.null_values = made.null_values || null;
            if (made.values) made.values->push_back(null ? std::nullopt : std::optional(partition.values[i]));
            wanted.emplace_back(key, partition.values[i]);
            folder += "/" + HiveFolder(key, partition.values[i]);
        }
        for (query::ObjectFile& file : partition.files) {
            plan_.bytes += file.size_bytes;
            plan_.holds.push_back(std::move(file.hold));
            if (!made.values && HiveSegments(file.path) != wanted) {
                std::string name = fmt::format("{}/{}_{}", folder, made.paths.size(), file.path.substr(file.path.rfind('/') + 1));
                links.emplace_back(std::move(file.path), name);
                file.path = std::move(name);
            }
            made.paths.push_back(std::move(file.path));
        }
    }
    ++linked_;
    const auto link = [this, &links]() -> Result<void> {
        for (const auto& [file, name] : links) {
            RETURN_IF_ERROR(lake_.files().MakeDirectories(name.substr(0, name.rfind('/'))));
            RETURN_IF_ERROR(lake_.files().Link(file, name));
        }
        return {};
    };
    if (!links.empty()) {
        CO_RETURN_IF_ERROR(co_await env::RunBlocking(lake_.pool(), link));
    }
    plan_.readable_files.insert(plan_.readable_files.end(), made.paths.begin(), made.paths.end());
    co_return made;
}

env::Task<JsonKeys> TableScanner::FindJsonKeys(const wire::Table& table, const TableFiles& files) {
    // Hive's names are lower-case, JSON's keys as they are: some files tell how they are spelled.
    query::Query query;
    query.readable_files = {files.paths.begin(), files.paths.begin() + static_cast<long>(std::min<size_t>(files.paths.size(), 4))};
    query.sql = fmt::format("SELECT * FROM read_json({}, format='newline_delimited', union_by_name=true, ignore_errors=true, map_inference_threshold=-1, "
                            "maximum_object_size=67108864, hive_partitioning=false) LIMIT 0", SqlList(query.readable_files));
    std::stop_token never;
    auto answer = co_await engine_.Run(std::move(query), std::move(never));
    const auto columns = TypedColumns(table.StorageDescriptor->Columns);
    if (!answer || !columns) co_return JsonKeys{};  // the query itself will tell what is wrong
    std::vector<std::pair<std::string, std::string>> found;
    for (query::Column& column : answer->columns) found.emplace_back(std::move(column.name), std::move(column.type));
    co_return SpellKeys(*columns, found);
}

env::Task<TableScanner::Planned> TableScanner::AddFiles(const TableReference& reference, const wire::Table& table) {
    if (!table.StorageDescriptor || !table.StorageDescriptor->Location) co_return FailAt(reference, "HIVE_METASTORE_ERROR", "The table has no location");
    auto format = FormatOf(table);
    if (!format) co_return FailAt(reference, "NOT_SUPPORTED", format.error().message);
    const bool keyed = table.PartitionKeys && !table.PartitionKeys->empty();
    std::vector<Partition> partitions;
    if (keyed) {
        auto found = co_await Partitions(table, reference.database, reference.uses);
        if (!found) {
            const std::string& message = found.error().message;
            if (message.starts_with("CONSTRAINT_VIOLATION: ")) co_return FailAt(reference, "CONSTRAINT_VIOLATION", message.substr(22));
            co_return FailAt(reference, found.error().code == ErrorCode::kInvalidArgument ? "INVALID_TABLE_PROPERTY" : "HIVE_METASTORE_ERROR", message);
        }
        partitions = std::move(*found);
    } else {
        partitions.push_back({{}, *table.StorageDescriptor->Location, {}});
    }
    auto listed = co_await ListFiles(partitions);
    if (!listed) co_return FailAt(reference, "HIVE_FILESYSTEM_ERROR", listed.error().message);
    auto files = co_await Arrange(table, std::move(partitions));
    if (!files) co_return FailAt(reference, "HIVE_FILESYSTEM_ERROR", files.error().message);
    JsonKeys keys_of_json;
    if (*format == Format::kJson && !files->paths.empty() && TableParameter(table, "case.insensitive", "true") != "false") {
        keys_of_json = co_await FindJsonKeys(table, *files);
    }
    auto body = ReadTable(table, *files, keys_of_json);
    if (!body) co_return FailAt(reference, body.error().code == ErrorCode::kUnsupported ? "NOT_SUPPORTED" : "HIVE_METASTORE_ERROR", body.error().message);
    plan_.setup.push_back(fmt::format("CREATE VIEW {}.{} AS {}", SqlName(reference.database), SqlName(reference.table), *body));
    co_return Planned{};
}

env::Task<TableScanner::Planned> TableScanner::Resolve(const TableReference& reference, int depth) {
    const std::string name = reference.database + "." + reference.table;
    if (const auto known = needed_.find(name); known != needed_.end()) {
        auto& uses = known->second.reference.uses;
        uses.insert(uses.end(), reference.uses.begin(), reference.uses.end());
        co_return Planned{};
    }
    Needed& needed = needed_[name];
    needed.reference = reference;
    if (reference.database == "information_schema" || reference.table.ends_with("$partitions")) {
        order_.push_back(name);
        co_return Planned{};
    }
    wire::GetTableRequest get;
    get.DatabaseName = reference.database;
    get.Name = reference.table;
    auto found = co_await glue_.GetTable(context_, std::move(get));
    if (!found) {
        if (found.error().message.starts_with("Database")) co_return FailAt(reference, "SCHEMA_NOT_FOUND", fmt::format("Schema '{}' does not exist", reference.database));
        co_return FailAt(reference, "TABLE_NOT_FOUND", fmt::format("Table 'awsdatacatalog.{}.{}' does not exist", reference.database, reference.table));
    }
    needed.table = std::move(*found->Table);
    if (needed.table.TableType == "VIRTUAL_VIEW") {
        const auto view = ReadView(needed.table);
        if (!view) co_return FailAt(reference, "INVALID_VIEW", fmt::format("View '{}' has a text that is not one of Athena's", name));
        if (depth >= kMaxViewDepth) co_return FailAt(reference, "INVALID_VIEW", "Views name each other too deep");
        sql::athena::TranslationContext names;
        names.database = view->database.empty() ? reference.database : view->database;
        auto translation = sql::athena::TranslateQuery(view->sql, names);
        if (!translation) co_return FailAt(reference, "INVALID_VIEW", fmt::format("Failed analyzing stored view '{}': {}", name, translation.error().Text()));
        for (const TableReference& inner : translation->tables) {
            // The view's text is not the query's: its positions would mislead.
            TableReference placed = inner;
            placed.at = reference.at;
            auto resolved = co_await Resolve(placed, depth + 1);
            if (!resolved) co_return resolved;
        }
        needed.view = std::move(translation->sql);
    }
    order_.push_back(name);
    co_return Planned{};
}

env::Task<Translated<ScanPlan>> TableScanner::Plan(std::vector<TableReference> tables) {
    for (const TableReference& table : tables) {
        auto resolved = co_await Resolve(table, 0);
        if (!resolved) co_return unexpected(resolved.error());
    }
    std::set<std::string> schemas;
    for (const std::string& name : order_) {
        const Needed& needed = needed_.at(name);
        const TableReference& reference = needed.reference;
        if (schemas.insert(reference.database).second && reference.database != "information_schema") {
            plan_.setup.push_back(fmt::format("CREATE SCHEMA IF NOT EXISTS {}", SqlName(reference.database)));
        }
        Planned added;
        if (!needed.view.empty()) {
            plan_.setup.push_back(fmt::format("CREATE VIEW {}.{} AS {}", SqlName(reference.database), SqlName(reference.table), needed.view));
        } else if (reference.database == "information_schema") {
            added = co_await AddInformationSchema(reference);
        } else if (reference.table.ends_with("$partitions")) {
            added = co_await AddPartitionsTable(reference);
        } else {
            added = co_await AddFiles(reference, needed.table);
        }
        if (!added) co_return unexpected(added.error());
    }
    co_return std::move(plan_);
}

}  // namespace wellhead::services::athena
