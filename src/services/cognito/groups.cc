#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "apis/cognito_idp/errors.h"
#include "services/cognito/service.h"
#include "services/cognito/shape_json.h"

namespace wellhead::services::cognito {

namespace {

idp::GroupType ToGroup(const std::string& stored) {
    idp::GroupType group;
    ShapeFromJson(boost::json::parse(stored), group);
    return group;
}
std::string Stored(const idp::GroupType& group) { return boost::json::serialize(ShapeToJson(group)); }

api::ServiceError NoGroup() { return idp::ResourceNotFoundException("Group not found."); }

}  // namespace

CognitoService::Answer<idp::CreateGroupResponse> CognitoService::CreateGroup(const api::CallContext&,
                                                                             idp::CreateGroupRequest request) {
    CO_ASSIGN_OR_RETURN(Pool pool, co_await store_.FindPool(request.UserPoolId));
    std::string key = JoinKey(pool.id(), request.GroupName);
    CO_ASSIGN_OR_RETURN(auto existing, co_await store_.Get(kGroups, key));
    if (existing) co_return std::unexpected(idp::GroupExistsException("A group with the name already exists."));
    idp::GroupType group;
    group.GroupName = request.GroupName;
    group.UserPoolId = request.UserPoolId;
    group.Description = request.Description;
    group.RoleArn = request.RoleArn;
    group.Precedence = request.Precedence;
    group.CreationDate = deps_.clock.Now();
    group.LastModifiedDate = group.CreationDate;
    CO_RETURN_IF_ERROR(co_await store_.Put(kGroups, key, Stored(group)));
    idp::CreateGroupResponse response;
    response.Group = std::move(group);
    co_return response;
}

CognitoService::Answer<idp::GetGroupResponse> CognitoService::GetGroup(const api::CallContext&,
                                                                       idp::GetGroupRequest request) {
    CO_ASSIGN_OR_RETURN(auto stored, co_await store_.Get(kGroups, JoinKey(request.UserPoolId, request.GroupName)));
    if (!stored) co_return std::unexpected(NoGroup());
    idp::GetGroupResponse response;
    response.Group = ToGroup(*stored);
    co_return response;
}

CognitoService::Answer<idp::UpdateGroupResponse> CognitoService::UpdateGroup(const api::CallContext&,
                                                                             idp::UpdateGroupRequest request) {
    std::string key = JoinKey(request.UserPoolId, request.GroupName);
    CO_ASSIGN_OR_RETURN(auto stored, co_await store_.Get(kGroups, key));
    if (!stored) co_return std::unexpected(NoGroup());
    idp::GroupType group = ToGroup(*stored);
    if (request.Description) group.Description = request.Description;
    if (request.RoleArn) group.RoleArn = request.RoleArn;
    if (request.Precedence) group.Precedence = request.Precedence;
    group.LastModifiedDate = deps_.clock.Now();
    CO_RETURN_IF_ERROR(co_await store_.Put(kGroups, key, Stored(group)));
    idp::UpdateGroupResponse response;
    response.Group = std::move(group);
    co_return response;
}

CognitoService::Answer<idp::DeleteGroupOutput> CognitoService::DeleteGroup(const api::CallContext&,
                                                                           idp::DeleteGroupRequest request) {
    CO_ASSIGN_OR_RETURN(Pool pool, co_await store_.FindPool(request.UserPoolId));
    std::string key = JoinKey(request.UserPoolId, request.GroupName);
    CO_ASSIGN_OR_RETURN(auto stored, co_await store_.Get(kGroups, key));
    if (!stored) co_return std::unexpected(NoGroup());
    CO_ASSIGN_OR_RETURN(auto users, co_await store_.ListUsers(pool.id(), "", SIZE_MAX));
    for (const User& user : users) {
        if (!user.groups.contains(request.GroupName)) continue;
        Store::Change leave = [&](User& each) -> api::Outcome<void> {
            each.groups.erase(request.GroupName);
            return {};
        };
        CO_RETURN_IF_ERROR(co_await store_.ChangeUser(pool, user.username, leave));
    }
    CO_RETURN_IF_ERROR(co_await store_.Delete(kGroups, key));
    co_return idp::DeleteGroupOutput();
}

CognitoService::Answer<idp::ListGroupsResponse> CognitoService::ListGroups(const api::CallContext&,
                                                                           idp::ListGroupsRequest request) {
    CO_ASSIGN_OR_RETURN(Pool pool, co_await store_.FindPool(request.UserPoolId));
    CO_ASSIGN_OR_RETURN(auto entries, co_await store_.Scan(kGroups, pool.id() + '\0'));
    idp::ListGroupsResponse response;
    auto& list = response.Groups.emplace();
    for (const auto& entry : entries) {
        idp::GroupType group = ToGroup(entry.value);
        if (request.NextToken && *group.GroupName <= *request.NextToken) continue;
        if (list.size() == static_cast<size_t>(request.Limit.value_or(60))) {
            response.NextToken = list.back().GroupName;
            break;
        }
        list.push_back(std::move(group));
    }
    co_return response;
}

CognitoService::Answer<idp::ListUsersInGroupResponse> CognitoService::ListUsersInGroup(
    const api::CallContext&, idp::ListUsersInGroupRequest request) {
    CO_ASSIGN_OR_RETURN(Pool pool, co_await store_.FindPool(request.UserPoolId));
    CO_ASSIGN_OR_RETURN(auto stored, co_await store_.Get(kGroups, JoinKey(pool.id(), request.GroupName)));
    if (!stored) co_return std::unexpected(NoGroup());
    CO_ASSIGN_OR_RETURN(auto users, co_await store_.ListUsers(pool.id(), request.NextToken.value_or(""), SIZE_MAX));
    idp::ListUsersInGroupResponse response;
    auto& list = response.Users.emplace();
    for (const User& user : users) {
        if (!user.groups.contains(request.GroupName)) continue;
        if (list.size() == static_cast<size_t>(request.Limit.value_or(60))) {
            response.NextToken = list.back().Username;
            break;
        }
        list.push_back(ToUserType(user));
    }
    co_return response;
}

CognitoService::Answer<idp::AdminAddUserToGroupOutput> CognitoService::AdminAddUserToGroup(
    const api::CallContext&, idp::AdminAddUserToGroupRequest request) {
    CO_ASSIGN_OR_RETURN(Pool pool, co_await store_.FindPool(request.UserPoolId));
    CO_ASSIGN_OR_RETURN(auto stored, co_await store_.Get(kGroups, JoinKey(pool.id(), request.GroupName)));
    if (!stored) co_return std::unexpected(NoGroup());
    Store::Change join = [&](User& user) -> api::Outcome<void> {
        user.groups.insert(request.GroupName);
        return {};
    };
    CO_RETURN_IF_ERROR(co_await ChangeNamed(pool, request.Username, join));
    co_return idp::AdminAddUserToGroupOutput();
}

CognitoService::Answer<idp::AdminRemoveUserFromGroupOutput> CognitoService::AdminRemoveUserFromGroup(
    const api::CallContext&, idp::AdminRemoveUserFromGroupRequest request) {
    CO_ASSIGN_OR_RETURN(Pool pool, co_await store_.FindPool(request.UserPoolId));
    CO_ASSIGN_OR_RETURN(auto stored, co_await store_.Get(kGroups, JoinKey(pool.id(), request.GroupName)));
    if (!stored) co_return std::unexpected(NoGroup());
    Store::Change leave = [&](User& user) -> api::Outcome<void> {
        user.groups.erase(request.GroupName);
        return {};
    };
    CO_RETURN_IF_ERROR(co_await ChangeNamed(pool, request.Username, leave));
    co_return idp::AdminRemoveUserFromGroupOutput();
}

CognitoService::Answer<idp::AdminListGroupsForUserResponse> CognitoService::AdminListGroupsForUser(
    const api::CallContext&, idp::AdminListGroupsForUserRequest request) {
    CO_ASSIGN_OR_RETURN(Pool pool, co_await store_.FindPool(request.UserPoolId));
    CO_ASSIGN_OR_RETURN(User user, co_await FindUserOrFail(pool, request.Username));
    idp::AdminListGroupsForUserResponse response;
    auto& list = response.Groups.emplace();
    for (const std::string& name : user.groups) {
        CO_ASSIGN_OR_RETURN(auto stored, co_await store_.Get(kGroups, JoinKey(pool.id(), name)));
        if (stored) list.push_back(ToGroup(*stored));
    }
    co_return response;
}

}  // namespace wellhead::services::cognito
