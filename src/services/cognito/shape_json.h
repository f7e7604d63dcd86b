#pragma once
// Values of the API's shapes as JSON, for the table: members by their names, times in microseconds since 1970.

#include <boost/json/value.hpp>

#include "apis/cognito_idp/types.h"

namespace wellhead::services::cognito {

boost::json::value ShapeToJson(const apis::cognito_idp::UserPoolType& value);
boost::json::value ShapeToJson(const apis::cognito_idp::UserPoolClientType& value);
boost::json::value ShapeToJson(const apis::cognito_idp::GroupType& value);
boost::json::value ShapeToJson(const apis::cognito_idp::ResourceServerType& value);

// Members that the shape does not have are passed over. Throws what boost::json throws when a kind does not fit.
void ShapeFromJson(const boost::json::value& json, apis::cognito_idp::UserPoolType& out);
void ShapeFromJson(const boost::json::value& json, apis::cognito_idp::UserPoolClientType& out);
void ShapeFromJson(const boost::json::value& json, apis::cognito_idp::GroupType& out);
void ShapeFromJson(const boost::json::value& json, apis::cognito_idp::ResourceServerType& out);

}  // namespace wellhead::services::cognito
