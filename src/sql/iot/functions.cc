#include "sql/iot/functions.h"

#include <algorithm>
#include <array>

namespace wellhead::sql::iot {

namespace {

constexpr std::array<std::string_view, 5> kExternal = {"aws_lambda", "get_dynamodb", "get_secret",
                                                       "machinelearning_predict", "get_registry_data"};

FunctionTable MakeTable() {
    FunctionTable table;
    AddMathFunctions(table);
    AddTextFunctions(table);
    AddRegexFunctions(table);
    AddHashFunctions(table);
    AddDocumentFunctions(table);
    AddMessageFunctions(table);
    return table;
}

}  // namespace

const FunctionEntry* FindFunction(std::string_view name) {
    static const FunctionTable table = MakeTable();
    auto found = table.find(name);
    return found == table.end() ? nullptr : &found->second;
}

bool IsExternalFunction(std::string_view name) {
    return std::find(kExternal.begin(), kExternal.end(), name) != kExternal.end();
}

}  // namespace wellhead::sql::iot
