#pragma once
// The Condition element of a policy: which operators and keys there are, and whether one holds.

#include "services/iot/policy_document.h"

namespace wellhead::services::iot {

bool IsConditionOperator(std::string_view name);
// A key that conditions and variables may name: "iot:ClientId", "iot:Connection.Thing.Attributes[site]", "aws:SourceIp".
bool IsConditionKey(std::string_view key);
// What can be checked of a value without a connection: numbers, dates, address ranges. kInvalidArgument.
base::Result<void> CheckConditionValue(std::string_view op, std::string_view value);
bool ConditionHolds(const PolicyCondition& condition, const PolicyContext& context);

}  // namespace wellhead::services::iot
