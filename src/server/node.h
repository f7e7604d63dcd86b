#pragma once
// Node: one running Wellhead. A World of services, and the listeners that lead to it.

#include <memory>
#include <optional>
#include <string>

#include "api/service.h"
#include "apis/cloudformation/api.h"
#include "base/result.h"
#include "env/task.h"
#include "server/data_dir.h"
#include "server/options.h"
#include "server/world.h"

namespace wellhead::server {

class Node {
  public:
    // Listening on all its ports when it returns. The executor of the calling task lives as long as the node.
    static env::Task<base::Result<std::unique_ptr<Node>>> Start(UpOptions options);
    ~Node();

    const Endpoints& endpoints() const;
    // As long as the console's first user has not chosen a password.
    const std::optional<FirstLogin>& first_login() const;
    // What a client needs to know, as JSON: addresses, ports, the first login.
    std::string Summary() const;

    apis::cloudformation::CloudformationApi& cloudformation();
    api::CallContext RootContext();

    // Ends connections, makes everything durable, ends all tasks.
    env::Task<void> Stop();

  private:
    struct Parts;
    explicit Node(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

}  // namespace wellhead::server
