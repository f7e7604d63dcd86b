#pragma once
// Tags and grants between the wire's structures and ours.

#include <optional>
#include <set>
#include <vector>

#include "apis/s3/types.h"
#include "services/s3/names.h"
#include "services/s3/s3_errors.h"
#include "services/s3/write_request.h"

namespace wellhead::services::s3 {

// InvalidTag: a key twice, or what CheckTags refuses.
inline api::Outcome<Tags> TagsOfSet(const std::vector<apis::s3::Tag>& set, size_t most) {
    Tags tags;
    for (const auto& tag : set) {
        if (!tags.emplace(tag.Key, tag.Value).second) {
            return std::unexpected(
                S3Error("InvalidTag", 400, "Cannot provide multiple Tags with the same key"));
        }
    }
    RETURN_IF_ERROR(CheckTags(tags, most));
    return tags;
}

inline std::vector<apis::s3::Tag> SetOfTags(const Tags& tags) {
    std::vector<apis::s3::Tag> set;
    for (const auto& [key, value] : tags) {
        auto& tag = set.emplace_back();
        tag.Key = key;
        tag.Value = value;
    }
    return set;
}

inline constexpr const char* kAllUsers = "http://acs.amazonaws.com/groups/global/AllUsers";
inline constexpr const char* kAuthenticatedUsers = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers";

// What a canned ACL (S3 user guide, "Canned ACL") grants: everything to the owner, and this to others.
inline std::vector<apis::s3::Grant> GrantsOf(const std::string& acl, const std::string& owner_id) {
    std::vector<apis::s3::Grant> grants(1);
    auto& grantee = grants[0].Grantee.emplace();
    grantee.ID = owner_id;
    grantee.Type = "CanonicalUser";
    grants[0].Permission = "FULL_CONTROL";
    auto add = [&grants](const char* group, const char* permission) {
        auto& grant = grants.emplace_back();
        grant.Grantee.emplace().URI = group;
        grant.Grantee->Type = "Group";
        grant.Permission = permission;
    };
    if (acl.starts_with("public-read")) add(kAllUsers, "READ");
    if (acl == "public-read-write") add(kAllUsers, "WRITE");
    if (acl == "authenticated-read") add(kAuthenticatedUsers, "READ");
    return grants;
}

// The canned ACL whose grants these are; nothing when there is none.
inline std::optional<std::string> CannedOf(const std::vector<apis::s3::Grant>& grants, const std::string& owner_id) {
    auto name = [](const apis::s3::Grant& grant) {
        std::string who;
        if (grant.Grantee) who = grant.Grantee->URI ? *grant.Grantee->URI : grant.Grantee->ID.value_or("");
        return who + ' ' + grant.Permission.value_or("");
    };
    std::set<std::string> given;
    for (const auto& grant : grants) given.insert(name(grant));
    for (const char* acl : {"", "public-read", "public-read-write", "authenticated-read"}) {
        std::set<std::string> canned;
        for (const auto& grant : GrantsOf(acl, owner_id)) canned.insert(name(grant));
        if (canned == given) return acl;
    }
    return std::nullopt;
}

// Of PutBucketAcl and PutObjectAcl: canned, or a list of grants that means the same as a canned one.
template <class Request>
api::Outcome<std::string> AclOf(const Request& request, const BucketSettings& settings, const std::string& owner_id) {
    bool grants = request.GrantFullControl || request.GrantRead || request.GrantReadACP || request.GrantWrite ||
                  request.GrantWriteACP;
    if (!request.AccessControlPolicy) return CannedAcl(request.ACL, grants, settings);
    auto canned = CannedOf(request.AccessControlPolicy->Grants.value_or(std::vector<apis::s3::Grant>{}), owner_id);
    if (!canned && settings.AclsServed()) return std::unexpected(FeatureNotServed("ACLs that are not as a canned one"));
    if (!canned) return std::unexpected(S3Error("AccessControlListNotSupported", 400, "The bucket does not allow ACLs"));
    return CannedAcl(canned->empty() ? "private" : *canned, grants, settings);
}

}  // namespace wellhead::services::s3
