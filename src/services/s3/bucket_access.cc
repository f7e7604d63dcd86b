// Who may do what: a bucket's policy, ACL and public access block, and their word on a call.

#include <algorithm>

#include "services/s3/s3_errors.h"
#include "services/s3/s3_service.h"
#include "services/s3/tag_sets.h"
#include "services/s3/write_request.h"

namespace wellhead::services::s3 {

namespace {

constexpr std::array<bool, 4> kNoBlock{};

const std::array<bool, 4>& BlockOf(const BucketSettings& settings) {
    return settings.public_access_block ? *settings.public_access_block : kNoBlock;
}

bool ReadsObject(std::string_view action) { return action == "s3:GetObject" || action == "s3:GetObjectVersion"; }

// What a bucket's canned ACL lets everybody do.
bool AclAllows(const std::string& acl, std::string_view action, bool authenticated) {
    const bool reads = action == "s3:ListBucket" || action == "s3:ListBucketVersions" ||
                       action == "s3:ListBucketMultipartUploads";
    const bool writes = action == "s3:PutObject" || action == "s3:DeleteObject";
    if (reads && (acl.starts_with("public-read") || (authenticated && acl == "authenticated-read"))) return true;
    return writes && acl == "public-read-write";
}

}  // namespace

Task<Outcome<s3::GetBucketAclOutput>> S3Service::GetBucketAcl(const CallContext&, s3::GetBucketAclRequest request) {
    CO_ASSIGN_OR_RETURN(StoredBucket bucket, FindBucket(request.Bucket, request.ExpectedBucketOwner));
    s3::GetBucketAclOutput output;
    output.Owner.emplace().ID = OwnerId();
    output.Grants = GrantsOf(bucket.settings->acl, OwnerId());
    co_return output;
}

Task<Outcome<s3::PutBucketAclOutput>> S3Service::PutBucketAcl(const CallContext&, s3::PutBucketAclRequest request) {
    CO_ASSIGN_OR_RETURN(StoredBucket bucket, FindBucket(request.Bucket, request.ExpectedBucketOwner));
    CO_ASSIGN_OR_RETURN(const std::string acl, AclOf(request, *bucket.settings, OwnerId()));
    auto change = [&acl](BucketSettings& settings) { settings.acl = acl; };
    auto changed = co_await ChangeSettings(request.Bucket, change);
    if (!changed) co_return std::unexpected(changed.error());
    co_return s3::PutBucketAclOutput{};
}

Task<Outcome<s3::PutBucketPolicyOutput>> S3Service::PutBucketPolicy(const CallContext&,
                                                                    s3::PutBucketPolicyRequest request) {
    CO_ASSIGN_OR_RETURN(StoredBucket bucket, FindBucket(request.Bucket, request.ExpectedBucketOwner));
    auto parsed = BucketPolicy::Parse(request.Policy);
    base::Result<void> checked;
    if (parsed) checked = (*parsed)->CheckBucket(request.Bucket);
    if (!parsed || !checked) {
        co_return std::unexpected(
            S3Error("MalformedPolicy", 400, parsed ? checked.error().message : parsed.error().message));
    }
    if (BlockOf(*bucket.settings)[2] && (*parsed)->IsPublic()) co_return std::unexpected(AccessDenied());
    auto change = [&](BucketSettings& settings) {
        settings.policy = request.Policy;
        settings.parsed_policy = *parsed;
    };
    auto changed = co_await ChangeSettings(request.Bucket, change);
    if (!changed) co_return std::unexpected(changed.error());
    co_return s3::PutBucketPolicyOutput{};
}

Task<Outcome<s3::GetBucketPolicyOutput>> S3Service::GetBucketPolicy(const CallContext&,
                                                                    s3::GetBucketPolicyRequest request) {
    CO_ASSIGN_OR_RETURN(StoredBucket bucket, FindBucket(request.Bucket, request.ExpectedBucketOwner));
    if (bucket.settings->policy.empty()) {
        co_return std::unexpected(S3Error("NoSuchBucketPolicy", 404, "The bucket policy does not exist"));
    }
    s3::GetBucketPolicyOutput output;
    output.Policy = bucket.settings->policy;
    co_return output;
}

Task<Outcome<s3::GetBucketPolicyStatusOutput>> S3Service::GetBucketPolicyStatus(
    const CallContext&, s3::GetBucketPolicyStatusRequest request) {
    CO_ASSIGN_OR_RETURN(StoredBucket bucket, FindBucket(request.Bucket, request.ExpectedBucketOwner));
    if (bucket.settings->policy.empty()) {
        co_return std::unexpected(S3Error("NoSuchBucketPolicy", 404, "The bucket policy does not exist"));
    }
    s3::GetBucketPolicyStatusOutput output;
    output.PolicyStatus.emplace().IsPublic = bucket.settings->parsed_policy->IsPublic();
    co_return output;
}

Task<Outcome<s3::DeleteBucketPolicyOutput>> S3Service::DeleteBucketPolicy(const CallContext&,
                                                                          s3::DeleteBucketPolicyRequest request) {
    CO_RETURN_IF_ERROR(FindBucket(request.Bucket, request.ExpectedBucketOwner));
    auto change = [](BucketSettings& settings) {
        settings.policy.clear();
        settings.parsed_policy.reset();
    };
    auto changed = co_await ChangeSettings(request.Bucket, change);
    if (!changed) co_return std::unexpected(changed.error());
    co_return s3::DeleteBucketPolicyOutput{};
}

Task<Outcome<void>> S3Service::Authorize(const CallContext& context, PolicyRequest request, std::string bucket,
                                         std::string key) {
    const bool inside = context.caller.authenticated && context.caller.access_key_id.empty();
    if (inside) co_return Outcome<void>();
    const bool owner = context.caller.authenticated && context.caller.account_id == settings_.account_id;
    if (bucket.empty()) {
        if (owner) co_return Outcome<void>();
        co_return std::unexpected(AccessDenied());
    }
    CO_ASSIGN_OR_RETURN(StoredBucket stored, FindBucket(bucket, std::nullopt));
    const BucketSettings& settings = *stored.settings;
    request.anonymous = !context.caller.authenticated;
    request.principal_arn = context.caller.arn;
    request.account_id = context.caller.account_id;
    request.resource = "arn:aws:s3:::" + bucket + (key.empty() ? "" : "/" + key);
    // Whoever owns the bucket can always mend its policy.
    const bool mends = owner && (request.action == "s3:PutBucketPolicy" || request.action == "s3:DeleteBucketPolicy" ||
                                 request.action == "s3:GetBucketPolicy");
    if (mends) co_return Outcome<void>();
    PolicyDecision decision = PolicyDecision::kNone;
    if (settings.parsed_policy) decision = settings.parsed_policy->Evaluate(request);
    if (decision == PolicyDecision::kDeny) co_return std::unexpected(AccessDenied());
    if (owner) co_return Outcome<void>();
    const std::array<bool, 4>& block = BlockOf(settings);
    const bool restricted = block[3] && settings.parsed_policy && settings.parsed_policy->IsPublic();
    if (decision == PolicyDecision::kAllow && !restricted) co_return Outcome<void>();
    if (!settings.AclsServed() || block[1]) co_return std::unexpected(AccessDenied());
    if (AclAllows(settings.acl, request.action, !request.anonymous)) co_return Outcome<void>();
    if (!ReadsObject(request.action)) co_return std::unexpected(AccessDenied());
    auto found = co_await FindObject(bucket, key, std::nullopt);
    if (!found) co_return std::unexpected(AccessDenied());
    const std::string& acl = found->attributes.acl;
    const bool public_object = acl.starts_with("public-read") || (!request.anonymous && acl == "authenticated-read");
    if (public_object) co_return Outcome<void>();
    co_return std::unexpected(AccessDenied());
}

Task<Outcome<void>> S3Service::AuthorizeObject(const CallContext& context, std::string_view action, std::string bucket,
                                               std::string key) {
    PolicyRequest request;
    request.action = action;
    request.context.emplace("aws:sourceip", context.peer_address);
    request.context.emplace("aws:securetransport", context.tls ? "true" : "false");
    return Authorize(context, std::move(request), std::move(bucket), std::move(key));
}

}  // namespace wellhead::services::s3
