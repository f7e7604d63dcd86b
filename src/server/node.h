#pragma once
// Node: one running Wellhead. Everything it is made of, started in order and stopped in the reverse.

#include <map>
#include <memory>
#include <string>

#include "api/service.h"
#include "base/result.h"
#include "env/task.h"
#include "pipeline/stack.h"
#include "server/data_dir.h"
#include "server/options.h"

namespace wellhead::server {

struct FirstLogin {
    std::string username;
    std::string password;
};

class Node {
  public:
    // Listening on all its ports when it returns. The executor of the calling task lives as long as the node.
    static env::Task<base::Result<std::unique_ptr<Node>>> Start(UpOptions options);
    ~Node();

    const Endpoints& endpoints() const;
    // As long as the console's first user has not chosen a password.
    const FirstLogin* first_login() const;

    // Deploys the template as the stack of this name; progress is called for each step.
    env::Task<api::Outcome<void>> Deploy(std::string stack_name, std::string template_text,
                                         std::map<std::string, std::string> parameters,
                                         pipeline::StackProgress progress);

    // Ends connections, makes everything durable, ends all tasks.
    env::Task<void> Stop();

  private:
    struct Parts;
    explicit Node(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

}  // namespace wellhead::server
