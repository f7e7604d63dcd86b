#pragma once
// Tags and grants between the wire's structures and ours.

#include <vector>

#include "apis/s3/types.h"
#include "services/s3/names.h"
#include "services/s3/s3_errors.h"

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

// Everything belongs to the account, and to nobody else.
inline std::vector<apis::s3::Grant> OwnerGrants(const std::string& owner_id) {
    std::vector<apis::s3::Grant> grants(1);
    auto& grantee = grants[0].Grantee.emplace();
    grantee.ID = owner_id;
    grantee.Type = "CanonicalUser";
    grants[0].Permission = "FULL_CONTROL";
    return grants;
}

}  // namespace wellhead::services::s3
