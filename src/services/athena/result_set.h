#pragma once
// The shape of results as clients are told it: ResultSetMetadata, and the .metadata object beside a result.

#include <string>
#include <vector>

#include "apis/athena/types.h"
#include "query/engine.h"

namespace wellhead::services::athena {

// rows: of a query, by Trino's names of types; otherwise lines of a statement's text, whose columns are Hive strings.
apis::athena::ResultSetMetadata MetadataOf(const std::vector<query::Column>& columns, bool rows);

// The .metadata object: a protocol buffer of the columns (docs/formats/athena.md).
std::string MetadataBytes(const apis::athena::ResultSetMetadata& metadata);

}  // namespace wellhead::services::athena
