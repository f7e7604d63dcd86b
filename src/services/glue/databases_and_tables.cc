#include <fmt/format.h>

#include <functional>
#include <set>

#include "apis/glue/errors.h"
#include "services/glue/glue_service.h"
#include "services/glue/paging.h"
#include "sql/iot/regex.h"

namespace wellhead::services::glue {

namespace errors = apis::glue;
using api::CallContext;
using api::Outcome;
using std::unexpected;

namespace {

api::ServiceError NoDatabase(const std::string& name) {
    return errors::EntityNotFoundException(fmt::format("Database {} not found.", name));
}
api::ServiceError NoTable(const std::string& name) {
    return errors::EntityNotFoundException(fmt::format("Table {} not found.", name));
}

// The pattern of GetTables: a regular expression as Java has them, "*" alone also for all. Matching is bounded.
Outcome<std::function<bool(const std::string&)>> NamePattern(const std::optional<std::string>& pattern) {
    if (!pattern || pattern->empty() || *pattern == "*") return [](const std::string&) { return true; };
    std::shared_ptr<sql::iot::Regex> regex = sql::iot::Regex::Compile("(?i)\\A(?:" + *pattern + ")\\z");
    if (!regex) return unexpected(errors::InvalidInputException(fmt::format("'{}' is not a regular expression.", *pattern)));
    return [regex](const std::string& name) { return regex->Matches(name).value_or(false); };
}

void LowerColumns(std::optional<std::vector<wire::Column>>& columns) {
    if (!columns) return;
    for (wire::Column& column : *columns) column.Name = LowerCase(column.Name);
}

Outcome<void> CheckColumns(const wire::TableInput& input) {
    std::set<std::string> names;
    const auto check = [&names](const std::optional<std::vector<wire::Column>>& columns) -> Outcome<void> {
        if (!columns) return {};
        for (const wire::Column& column : *columns) {
            if (!names.insert(column.Name).second) {
                return unexpected(errors::InvalidInputException(
                    fmt::format("Column {} is there twice (partition keys included).", column.Name)));
            }
        }
        return {};
    };
    if (input.StorageDescriptor) {
        if (auto checked = check(input.StorageDescriptor->Columns); !checked) return checked;
    }
    return check(input.PartitionKeys);
}

}  // namespace

api::ServiceError ToServiceError(const base::Error& error) {
    switch (error.code) {
        case base::ErrorCode::kInvalidArgument:
        case base::ErrorCode::kUnsupported: return errors::InvalidInputException(error.message);
        case base::ErrorCode::kNotFound: return errors::EntityNotFoundException(error.message);
        case base::ErrorCode::kAlreadyExists: return errors::AlreadyExistsException(error.message);
        case base::ErrorCode::kConflict: return errors::ConcurrentModificationException(error.message);
        case base::ErrorCode::kLimit: return errors::ResourceNumberLimitExceededException(error.message);
        case base::ErrorCode::kPermission: return errors::AccessDeniedException(error.message);
        case base::ErrorCode::kTimeout:
        case base::ErrorCode::kUnavailable:
        case base::ErrorCode::kCancelled: return errors::OperationTimeoutException(error.message);
        case base::ErrorCode::kReadOnly:
        case base::ErrorCode::kIo:
        case base::ErrorCode::kCorrupt: break;
    }
    return errors::InternalServiceException(error.message);
}

bool GlueService::HasDatabase(const std::string& name) const {
    return catalog_.WithContents([&](const auto& databases) { return databases.contains(name); });
}

Outcome<CatalogTable> GlueService::FindTable(const std::string& database, const std::string& table) const {
    return FindPartitions(database, table, {});
}

Outcome<CatalogTable> GlueService::FindPartitions(const std::string& database, const std::string& table,
                                                  const std::vector<PartitionValues>& partitions) const {
    return catalog_.WithContents([&](const auto& databases) -> Outcome<CatalogTable> {
        const auto found = databases.find(LowerCase(database));
        if (found == databases.end()) return unexpected(NoDatabase(database));
        const auto entry = found->second.tables.find(LowerCase(table));
        if (entry == found->second.tables.end()) return unexpected(NoTable(table));
        CatalogTable copy{entry->second.table, entry->second.indexes, {}};
        for (const PartitionValues& values : partitions) {
            const auto partition = entry->second.partitions.find(values);
            if (partition != entry->second.partitions.end()) copy.partitions.insert(*partition);
        }
        return copy;
    });
}

env::Task<Outcome<wire::CreateDatabaseResponse>> GlueService::CreateDatabase(const CallContext&,
                                                                             wire::CreateDatabaseRequest input) {
    auto pass = co_await catalog_.turnstile().Enter();
    wire::Database database;
    database.Name = LowerCase(input.DatabaseInput.Name);
    if (HasDatabase(database.Name)) {
        co_return unexpected(errors::AlreadyExistsException(fmt::format("Database {} already exists.", database.Name)));
    }
    database.Description = input.DatabaseInput.Description;
    if (input.DatabaseInput.LocationUri && !input.DatabaseInput.LocationUri->empty()) {
        database.LocationUri = input.DatabaseInput.LocationUri;
    }
    database.Parameters = input.DatabaseInput.Parameters;
    database.CreateTableDefaultPermissions = input.DatabaseInput.CreateTableDefaultPermissions;
    database.TargetDatabase = input.DatabaseInput.TargetDatabase;
    database.CatalogId = settings_.account_id;
    database.CreateTime = deps_.clock.Now();
    const std::string arn = Arn("database/" + database.Name);
    if (auto put = co_await catalog_.PutDatabase(std::move(database)); !put) co_return unexpected(ToServiceError(put.error()));
    if (input.Tags) {
        auto tagged = co_await catalog_.PutTags(arn, *input.Tags);
        if (!tagged) co_return unexpected(ToServiceError(tagged.error()));
    }
    co_return wire::CreateDatabaseResponse{};
}

env::Task<Outcome<wire::GetDatabaseResponse>> GlueService::GetDatabase(const CallContext&, wire::GetDatabaseRequest input) {
    const auto find = [&](const auto& databases) -> Outcome<wire::GetDatabaseResponse> {
        const auto found = databases.find(LowerCase(input.Name));
        if (found == databases.end()) return unexpected(NoDatabase(input.Name));
        wire::GetDatabaseResponse output;
        output.Database = found->second.database;
        return output;
    };
    co_return catalog_.WithContents(find);
}

env::Task<Outcome<wire::GetDatabasesResponse>> GlueService::GetDatabases(const CallContext&, wire::GetDatabasesRequest input) {
    wire::GetDatabasesResponse output;
    std::vector<wire::Database> all;
    catalog_.WithContents([&](const auto& databases) {
        for (const auto& [name, database] : databases) all.push_back(database.database);
    });
    const auto page = TakePage(all.size(), input.NextToken, input.MaxResults, 100);
    if (!page) co_return unexpected(errors::InvalidInputException("The NextToken is not one of ours."));
    output.DatabaseList = {all.begin() + static_cast<long>(page->begin), all.begin() + static_cast<long>(page->end)};
    output.NextToken = page->next;
    co_return output;
}

env::Task<Outcome<wire::UpdateDatabaseResponse>> GlueService::UpdateDatabase(const CallContext&,
                                                                             wire::UpdateDatabaseRequest input) {
    auto pass = co_await catalog_.turnstile().Enter();
    const std::string name = LowerCase(input.Name);
    if (!HasDatabase(name)) co_return unexpected(NoDatabase(name));
    if (LowerCase(input.DatabaseInput.Name) != name) {
        co_return unexpected(errors::InvalidInputException("A database cannot be renamed."));
    }
    wire::Database database = catalog_.WithContents([&](const auto& databases) { return databases.at(name).database; });
    database.Description = input.DatabaseInput.Description;
    database.LocationUri = input.DatabaseInput.LocationUri;
    database.Parameters = input.DatabaseInput.Parameters;
    auto put = co_await catalog_.PutDatabase(std::move(database));
    if (!put) co_return unexpected(ToServiceError(put.error()));
    co_return wire::UpdateDatabaseResponse{};
}

env::Task<Outcome<wire::DeleteDatabaseResponse>> GlueService::DeleteDatabase(const CallContext&,
                                                                             wire::DeleteDatabaseRequest input) {
    auto pass = co_await catalog_.turnstile().Enter();
    const std::string name = LowerCase(input.Name);
    if (!HasDatabase(name)) co_return unexpected(NoDatabase(name));
    auto deleted = co_await catalog_.DeleteDatabase(name);
    if (!deleted) co_return unexpected(ToServiceError(deleted.error()));
    co_return wire::DeleteDatabaseResponse{};
}

wire::Table GlueService::MakeTable(const std::string& database, wire::TableInput input, const wire::Table* before) const {
    wire::Table table;
    table.Name = LowerCase(input.Name);
    table.DatabaseName = database;
    table.CatalogId = settings_.account_id;
    table.CreateTime = before != nullptr ? before->CreateTime : deps_.clock.Now();
    table.UpdateTime = deps_.clock.Now();
    table.VersionId = before == nullptr ? "0" : std::to_string(std::stoull(before->VersionId.value_or("0")) + 1);
    table.CreatedBy = fmt::format("arn:aws:iam::{}:root", settings_.account_id);
    table.Description = std::move(input.Description);
    table.Owner = std::move(input.Owner);
    table.LastAccessTime = input.LastAccessTime;
    table.LastAnalyzedTime = input.LastAnalyzedTime;
    table.Retention = input.Retention.value_or(0);
    table.StorageDescriptor = std::move(input.StorageDescriptor);
    if (table.StorageDescriptor) LowerColumns(table.StorageDescriptor->Columns);
    table.PartitionKeys = std::move(input.PartitionKeys);
    LowerColumns(table.PartitionKeys);
    table.ViewOriginalText = std::move(input.ViewOriginalText);
    table.ViewExpandedText = std::move(input.ViewExpandedText);
    table.TableType = std::move(input.TableType);
    table.Parameters = std::move(input.Parameters);
    table.TargetTable = std::move(input.TargetTable);
    table.IsRegisteredWithLakeFormation = false;
    return table;
}

env::Task<Outcome<wire::CreateTableResponse>> GlueService::CreateTable(const CallContext&, wire::CreateTableRequest input) {
    if (!input.TableInput) {
        co_return unexpected(errors::InvalidInputException("TableInput is required; open table formats are not served."));
    }
    if (auto checked = CheckColumns(*input.TableInput); !checked) co_return unexpected(checked.error());
    auto pass = co_await catalog_.turnstile().Enter();
    const std::string database = LowerCase(input.DatabaseName);
    if (!HasDatabase(database)) co_return unexpected(NoDatabase(database));
    if (FindTable(database, input.TableInput->Name)) {
        co_return unexpected(errors::AlreadyExistsException("Table already exists."));
    }
    wire::Table table = MakeTable(database, std::move(*input.TableInput), nullptr);
    auto indexes = input.PartitionIndexes.value_or(std::vector<wire::PartitionIndex>{});
    auto put = co_await catalog_.PutTable(std::move(table), std::move(indexes), std::nullopt);
    if (!put) co_return unexpected(ToServiceError(put.error()));
    co_return wire::CreateTableResponse{};
}

env::Task<Outcome<wire::GetTableResponse>> GlueService::GetTable(const CallContext&, wire::GetTableRequest input) {
    auto found = FindTable(input.DatabaseName, input.Name);
    if (!found) co_return unexpected(found.error());
    wire::GetTableResponse output;
    output.Table = std::move(found->table);
    co_return output;
}

env::Task<Outcome<wire::GetTablesResponse>> GlueService::GetTables(const CallContext&, wire::GetTablesRequest input) {
    const auto matches = NamePattern(input.Expression);
    if (!matches) co_return unexpected(matches.error());
    std::vector<wire::Table> all;
    const bool known = catalog_.WithContents([&](const auto& databases) {
        const auto found = databases.find(LowerCase(input.DatabaseName));
        if (found == databases.end()) return false;
        for (const auto& [name, table] : found->second.tables) {
            if ((*matches)(name)) all.push_back(table.table);
        }
        return true;
    });
    if (!known) co_return unexpected(NoDatabase(input.DatabaseName));
    const auto page = TakePage(all.size(), input.NextToken, input.MaxResults, 100);
    if (!page) co_return unexpected(errors::InvalidInputException("The NextToken is not one of ours."));
    wire::GetTablesResponse output;
    output.TableList = {all.begin() + static_cast<long>(page->begin), all.begin() + static_cast<long>(page->end)};
    output.NextToken = page->next;
    co_return output;
}

env::Task<Outcome<wire::UpdateTableResponse>> GlueService::UpdateTable(const CallContext&, wire::UpdateTableRequest input) {
    if (!input.TableInput) {
        co_return unexpected(errors::InvalidInputException("TableInput is required; open table formats are not served."));
    }
    if (auto checked = CheckColumns(*input.TableInput); !checked) co_return unexpected(checked.error());
    auto pass = co_await catalog_.turnstile().Enter();
    auto before = FindTable(input.DatabaseName, input.TableInput->Name);
    if (!before) co_return unexpected(before.error());
    // Iceberg's commit: nobody else may have written since the version was read.
    if (input.VersionId && *input.VersionId != before->table.VersionId) {
        co_return unexpected(errors::ConcurrentModificationException(
            fmt::format("Update table failed due to concurrent modifications: version is {}.", *before->table.VersionId)));
    }
    wire::Table table = MakeTable(LowerCase(input.DatabaseName), std::move(*input.TableInput), &before->table);
    std::optional<wire::Table> archived;
    if (!input.SkipArchive.value_or(false)) archived = before->table;
    auto put = co_await catalog_.PutTable(std::move(table), std::move(before->indexes), std::move(archived));
    if (!put) co_return unexpected(ToServiceError(put.error()));
    co_return wire::UpdateTableResponse{};
}

env::Task<Outcome<wire::DeleteTableResponse>> GlueService::DeleteTable(const CallContext&, wire::DeleteTableRequest input) {
    auto pass = co_await catalog_.turnstile().Enter();
    auto found = FindTable(input.DatabaseName, input.Name);
    if (!found) co_return unexpected(found.error());
    std::vector<std::string> names;
    names.push_back(LowerCase(input.Name));
    auto deleted = co_await catalog_.DeleteTables(LowerCase(input.DatabaseName), std::move(names));
    if (!deleted) co_return unexpected(ToServiceError(deleted.error()));
    co_return wire::DeleteTableResponse{};
}

env::Task<Outcome<wire::BatchDeleteTableResponse>> GlueService::BatchDeleteTable(const CallContext&,
                                                                                 wire::BatchDeleteTableRequest input) {
    auto pass = co_await catalog_.turnstile().Enter();
    const std::string database = LowerCase(input.DatabaseName);
    if (!HasDatabase(database)) co_return unexpected(NoDatabase(database));
    std::vector<std::string> names;
    wire::BatchDeleteTableResponse output;
    for (const std::string& name : input.TablesToDelete) {
        if (auto found = FindTable(database, name); !found) {
            wire::TableError error;
            error.TableName = name;
            error.ErrorDetail = wire::ErrorDetail{found.error().code, found.error().message};
            if (!output.Errors) output.Errors.emplace();
            output.Errors->push_back(std::move(error));
        } else {
            names.push_back(LowerCase(name));
        }
    }
    auto deleted = co_await catalog_.DeleteTables(database, std::move(names));
    if (!deleted) co_return unexpected(ToServiceError(deleted.error()));
    co_return output;
}

env::Task<Outcome<wire::GetTableVersionResponse>> GlueService::GetTableVersion(const CallContext&,
                                                                               wire::GetTableVersionRequest input) {
    auto found = FindTable(input.DatabaseName, input.TableName);
    if (!found) co_return unexpected(found.error());
    wire::GetTableVersionResponse output;
    if (!input.VersionId || *input.VersionId == found->table.VersionId) {
        output.TableVersion = wire::TableVersion{found->table, found->table.VersionId};
        co_return output;
    }
    auto versions = co_await catalog_.Versions(LowerCase(input.DatabaseName), LowerCase(input.TableName));
    if (!versions) co_return unexpected(ToServiceError(versions.error()));
    for (const wire::Table& version : *versions) {
        if (version.VersionId != input.VersionId) continue;
        output.TableVersion = wire::TableVersion{version, version.VersionId};
        co_return output;
    }
    co_return unexpected(errors::EntityNotFoundException("Version not found."));
}

env::Task<Outcome<wire::GetTableVersionsResponse>> GlueService::GetTableVersions(const CallContext&,
                                                                                 wire::GetTableVersionsRequest input) {
    auto found = FindTable(input.DatabaseName, input.TableName);
    if (!found) co_return unexpected(found.error());
    auto versions = co_await catalog_.Versions(LowerCase(input.DatabaseName), LowerCase(input.TableName));
    if (!versions) co_return unexpected(ToServiceError(versions.error()));
    versions->insert(versions->begin(), found->table);
    const auto page = TakePage(versions->size(), input.NextToken, input.MaxResults, 100);
    if (!page) co_return unexpected(errors::InvalidInputException("The NextToken is not one of ours."));
    wire::GetTableVersionsResponse output;
    output.TableVersions.emplace();
    for (size_t i = page->begin; i < page->end; ++i) {
        output.TableVersions->push_back(wire::TableVersion{(*versions)[i], (*versions)[i].VersionId});
    }
    output.NextToken = page->next;
    co_return output;
}

env::Task<Outcome<wire::GetUserDefinedFunctionsResponse>> GlueService::GetUserDefinedFunctions(
    const CallContext&, wire::GetUserDefinedFunctionsRequest input) {
    if (input.DatabaseName && !HasDatabase(LowerCase(*input.DatabaseName))) co_return unexpected(NoDatabase(*input.DatabaseName));
    // There is no way to make one, so there is none.
    wire::GetUserDefinedFunctionsResponse output;
    output.UserDefinedFunctions.emplace();
    co_return output;
}

std::string GlueService::Arn(const std::string& resource) const {
    return fmt::format("arn:aws:glue:{}:{}:{}", settings_.region, settings_.account_id, resource);
}

Outcome<std::string> GlueService::KnownArn(const std::string& arn) const {
    const auto begins = [&](const std::string& resource) -> std::optional<std::string> {
        const std::string prefix = Arn(resource);
        if (!arn.starts_with(prefix)) return std::nullopt;
        return arn.substr(prefix.size());
    };
    if (const auto database = begins("database/"); database && HasDatabase(*database)) return arn;
    if (const auto crawler = begins("crawler/"); crawler && crawlers_.Find(*crawler)) return arn;
    if (const auto table = begins("table/")) {
        const size_t slash = table->find('/');
        if (slash != std::string::npos && FindTable(table->substr(0, slash), table->substr(slash + 1))) return arn;
    }
    return unexpected(errors::EntityNotFoundException(fmt::format("Resource {} not found.", arn)));
}

env::Task<Outcome<wire::GetTagsResponse>> GlueService::GetTags(const CallContext&, wire::GetTagsRequest input) {
    auto known = KnownArn(input.ResourceArn);
    if (!known) co_return unexpected(known.error());
    auto tags = co_await catalog_.Tags(input.ResourceArn);
    if (!tags) co_return unexpected(ToServiceError(tags.error()));
    wire::GetTagsResponse output;
    output.Tags = std::move(*tags);
    co_return output;
}

env::Task<Outcome<wire::TagResourceResponse>> GlueService::TagResource(const CallContext&, wire::TagResourceRequest input) {
    auto known = KnownArn(input.ResourceArn);
    if (!known) co_return unexpected(known.error());
    auto pass = co_await catalog_.turnstile().Enter();
    auto tags = co_await catalog_.Tags(input.ResourceArn);
    if (!tags) co_return unexpected(ToServiceError(tags.error()));
    for (auto& [key, value] : input.TagsToAdd) (*tags)[key] = value;
    if (tags->size() > 50) co_return unexpected(errors::InvalidInputException("More than 50 tags."));
    auto put = co_await catalog_.PutTags(input.ResourceArn, std::move(*tags));
    if (!put) co_return unexpected(ToServiceError(put.error()));
    co_return wire::TagResourceResponse{};
}

env::Task<Outcome<wire::UntagResourceResponse>> GlueService::UntagResource(const CallContext&,
                                                                           wire::UntagResourceRequest input) {
    auto known = KnownArn(input.ResourceArn);
    if (!known) co_return unexpected(known.error());
    auto pass = co_await catalog_.turnstile().Enter();
    auto tags = co_await catalog_.Tags(input.ResourceArn);
    if (!tags) co_return unexpected(ToServiceError(tags.error()));
    for (const std::string& key : input.TagsToRemove) tags->erase(key);
    auto put = co_await catalog_.PutTags(input.ResourceArn, std::move(*tags));
    if (!put) co_return unexpected(ToServiceError(put.error()));
    co_return wire::UntagResourceResponse{};
}

}  // namespace wellhead::services::glue
