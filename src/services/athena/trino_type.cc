#include "services/athena/trino_type.h"

#include <fmt/format.h>

#include "query/hive_type.h"

namespace wellhead::services::athena {
namespace {

std::string Spelled(const query::HiveType& type) {
    using query::HiveKind;
    switch (type.kind) {
        case HiveKind::kInt: return "integer";
        case HiveKind::kFloat: return "real";
        case HiveKind::kBinary: return "varbinary";
        case HiveKind::kTimestamp: return "timestamp(3)";
        case HiveKind::kString: return type.precision > 0 ? fmt::format("varchar({})", type.precision) : "varchar";
        case HiveKind::kArray: return "array(" + Spelled(type.children[0]) + ")";
        case HiveKind::kMap: return "map(" + Spelled(type.children[0]) + ", " + Spelled(type.children[1]) + ")";
        case HiveKind::kStruct: {
            std::string out = "row(";
            for (size_t i = 0; i < type.fields.size(); ++i) out += (i > 0 ? ", " : "") + type.fields[i] + " " + Spelled(type.children[i]);
            return out + ")";
        }
        default: return query::ToHive(type);
    }
}

}  // namespace

std::string TrinoType(const std::string& hive) {
    const auto type = query::ParseHiveType(hive);
    return type ? Spelled(*type) : hive;
}

}  // namespace wellhead::services::athena
