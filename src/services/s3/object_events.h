#pragma once
// What happens to objects, told inside the process once it is durable.

#include <string>
#include <vector>

#include "base/time.h"
#include "env/task.h"

namespace wellhead::services::s3 {

struct ObjectEvent {
    std::string name;  // "ObjectCreated:Put", "ObjectRemoved:Delete", as in the configuration without "s3:"
    std::string bucket;
    std::string key;
    uint64_t size_bytes = 0;
    std::string etag;
    base::Instant time;
    uint64_t sequencer = 0;  // grows with the versions of a key
    std::string region;
    std::string request_id;
    std::string source_address;
    std::string principal_id;
    std::string configuration_id;
    std::string target_arn;  // as configured: of a function, a queue or a topic
};

// Thread-safe.
class ObjectEventListener {
  public:
    virtual ~ObjectEventListener() = default;
    // Whether this process can deliver to the target; a configuration that names another is refused.
    virtual bool Serves(const std::string& target_arn) const = 0;
    // One event for one configured target whose filter it passed. Runs beside the request that caused it.
    virtual env::Task<void> OnObjectEvent(ObjectEvent event) = 0;
};

}  // namespace wellhead::services::s3
