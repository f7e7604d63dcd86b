#pragma once
// The functions of the language, by group. Each group adds its own to the one table.

#include <map>
#include <string_view>

#include "sql/iot/program.h"

namespace wellhead::sql::iot {

using FunctionTable = std::map<std::string_view, FunctionEntry>;

void AddMathFunctions(FunctionTable& table);
void AddTextFunctions(FunctionTable& table);
void AddRegexFunctions(FunctionTable& table);
void AddHashFunctions(FunctionTable& table);
void AddDocumentFunctions(FunctionTable& table);
void AddMessageFunctions(FunctionTable& table);

}  // namespace wellhead::sql::iot
