#pragma once
// A stack: what a template became, and what is under way with it. Plain data, kept as JSON (docs/formats/stack.md).

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "env/task.h"
#include "pipeline/evaluate.h"

namespace wellhead::pipeline {

// Status words are CloudFormation's: CREATE_IN_PROGRESS, CREATE_COMPLETE, UPDATE_ROLLBACK_COMPLETE, ...
struct StackResource {
    std::string logical_id;
    std::string type;
    std::string status;
    std::string reason;
    // Made anew with each creation: tells a replacement from what it replaced, whatever both are called.
    std::string incarnation;
    ResourceValues values;
    boost::json::object properties;  // evaluated, as last applied
    std::vector<std::string> needs;  // logical ids it refers to
    std::string deletion_policy = "Delete";
    std::string replace_policy = "Delete";  // of what an update replaces
    base::Instant changed;
};

struct StackEvent {
    std::string id;
    std::string logical_id;
    std::string physical_id;
    std::string type;
    std::string status;
    std::string reason;
    base::Instant at;
};

struct StackOutput {
    std::string name;
    std::string value;
    std::string description;
    std::string export_name;  // empty: not exported
};

// What a stack is to be.
struct StackWish {
    std::string template_text;
    std::map<std::string, std::string> parameters;  // as given
    std::vector<std::pair<std::string, std::string>> tags;
    std::vector<std::string> capabilities;
};

// What is under way. Everything that is needed to go on with it after a crash.
struct StackOperation {
    enum class Kind { kCreate, kUpdate, kDelete };
    enum class OnFailure { kRollBack, kDoNothing, kDelete };
    Kind kind = Kind::kCreate;
    StackWish wish;
    OnFailure on_failure = OnFailure::kRollBack;
    std::vector<StackResource> before;  // as the resources stood
    bool rolling_back = false;
    std::string failure;              // why it rolls back
    std::vector<std::string> retain;  // logical ids that a deletion leaves
    int64_t timeout_minutes = 0;      // 0: none
    base::Instant started;
};

struct Stack {
    std::string name;
    std::string id;  // arn:aws:cloudformation:...:stack/name/uuid
    std::string status;
    std::string reason;
    std::string description;
    StackWish now;  // as last completed
    std::vector<StackOutput> outputs;
    std::vector<std::string> imports;      // names of other stacks' exports that it uses
    std::vector<StackResource> resources;  // in order of creation
    std::vector<StackResource> gone;       // removed by a deletion or the rollback of a creation
    std::vector<StackEvent> events;        // oldest first, bounded
    bool termination_protection = false;
    bool disable_rollback = false;
    int64_t timeout_minutes = 0;
    std::string role_arn;
    std::vector<std::string> notification_arns;
    std::string change_set_id;  // that made it what it is
    std::string request_token;  // of the last operation
    base::Instant created;
    std::optional<base::Instant> updated;
    std::optional<base::Instant> deleted;
    std::optional<StackOperation> under_way;

    StackResource* Find(std::string_view logical_id);
    const StackResource* Find(std::string_view logical_id) const;
};

boost::json::value StackToJson(const Stack& stack);
base::Result<Stack> StackFromJson(const boost::json::value& value);
boost::json::object WishToJson(const StackWish& wish);
// Throws when the object is none; for readers that turn exceptions into kCorrupt.
StackWish WishFromJson(const boost::json::object& object);

// Where stacks are kept between runs. Thread-safe; Save is durable when it succeeds.
class StackStore {
  public:
    virtual ~StackStore() = default;
    virtual env::Task<base::Result<void>> Save(Stack stack) = 0;
    // What all stacks but this one export: name -> (value, name of the exporting stack).
    struct Export {
        std::string value;
        std::string stack_name;
    };
    virtual std::map<std::string, Export> ExportsBeside(const std::string& stack_id) const = 0;
    // The names of stacks that import this.
    virtual std::vector<std::string> ImportersOf(const std::string& export_name) const = 0;
};

}  // namespace wellhead::pipeline
