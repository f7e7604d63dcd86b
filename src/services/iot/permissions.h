#pragma once
// What the policies of one connection come to: for each action, the patterns that allow and those that deny.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "services/iot/policy_document.h"

namespace wellhead::services::iot {

// Immutable; asked for every packet. Default is deny, and a Deny wins.
class PermissionSet {
  public:
    // documents' conditions and variables are decided here, with context. arn_prefix: "arn:aws:iot:REGION:ACCOUNT:".
    PermissionSet(const std::vector<std::shared_ptr<const PolicyDocument>>& documents,
                  const PolicyContext& context, std::string_view arn_prefix);

    bool MayConnect(std::string_view client_id) const { return connect_.Permits(client_id); }
    bool MayPublish(std::string_view topic, bool retain) const {
        return publish_.Permits(topic) && (!retain || retain_publish_.Permits(topic));
    }
    bool MaySubscribe(std::string_view filter) const { return subscribe_.Permits(filter); }
    bool MayReceive(std::string_view topic) const { return receive_.Permits(topic); }

  private:
    // The patterns of one action over one kind of resource ("topic/").
    class Grants {
      public:
        Grants(std::string_view action, std::string resource_prefix);
        void Add(const PolicyStatement& statement, const std::vector<Glob>& resources);
        bool Permits(std::string_view name) const;

      private:
        struct Patterns {
            std::vector<Glob> names;  // behind the prefix
            std::vector<Glob> whole;  // with wildcards in the prefix
            bool Match(std::string_view prefix, std::string_view name) const;
        };
        std::string_view action_;
        std::string prefix_;
        Patterns allow_;
        Patterns deny_;
    };

    Grants connect_, publish_, retain_publish_, subscribe_, receive_;
};

}  // namespace wellhead::services::iot
