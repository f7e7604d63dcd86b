#pragma once
// Bucket policies (IAM user guide, "Policy evaluation logic"; S3 user guide, "Bucket policies"): parsed once, asked for
// every request. What a request does not carry (aws:SourceVpce, aws:PrincipalOrgID, ...) is an absent key, as in AWS.

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/service.h"

namespace wellhead::services::s3 {

// One action of one caller on one resource.
struct PolicyRequest {
    std::string action;    // "s3:GetObject"
    std::string resource;  // "arn:aws:s3:::bucket/key"
    bool anonymous = true;
    std::string principal_arn;
    std::string account_id;                      // of the caller
    std::multimap<std::string, std::string> context;  // condition keys, lower-case
};

enum class PolicyDecision { kNone, kAllow, kDeny };

class BucketPolicy {
  public:
    // Of what is stored. kInvalidArgument with the words of MalformedPolicy.
    static base::Result<std::shared_ptr<const BucketPolicy>> Parse(const std::string& json);

    // InvalidArgument-like words when a statement names another bucket than this.
    base::Result<void> CheckBucket(const std::string& bucket) const;
    PolicyDecision Evaluate(const PolicyRequest& request) const;
    // Grants something to everybody, unless a condition on where the request comes from narrows it (S3 user guide, "The
    // meaning of public").
    bool IsPublic() const;

  private:
    struct Condition {
        std::string op;  // lower-case, without prefix and suffix
        bool if_exists = false;
        bool for_all_values = false;
        std::string key;  // lower-case
        std::vector<std::string> values;
    };
    struct Statement {
        bool allow = false;
        bool not_principal = false;
        bool everybody = false;
        std::vector<std::string> principals;  // ARNs or account ids
        bool not_action = false;
        std::vector<std::string> actions;  // patterns, lower-case
        bool not_resource = false;
        std::vector<std::string> resources;  // patterns
        std::vector<Condition> conditions;
    };
    static base::Result<Statement> ParseStatement(const boost::json::object& object);
    static base::Result<void> ParsePrincipal(const boost::json::value& value, Statement& statement);
    static base::Result<void> ParseConditions(const boost::json::value& value, Statement& statement);
    static bool Holds(const Condition& condition, const PolicyRequest& request);
    static bool Applies(const Statement& statement, const PolicyRequest& request);

    std::vector<Statement> statements_;
};

// '*' for any characters, '?' for one.
bool MatchesGlob(std::string_view pattern, std::string_view text);

}  // namespace wellhead::services::s3
