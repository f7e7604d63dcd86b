#pragma once
// Where events of objects can be delivered to in this process: targets by the form of their ARN.

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "services/s3/object_events.h"

namespace wellhead::server {

class ObjectEventTargets final : public services::s3::ObjectEventListener {
  public:
    using Deliver = std::function<env::Task<void>(services::s3::ObjectEvent event)>;
    // Events for ARNs that begin so. Before the first request.
    void Add(std::string arn_prefix, Deliver deliver) { targets_.emplace_back(std::move(arn_prefix), std::move(deliver)); }

    bool Serves(const std::string& target_arn) const override { return Find(target_arn) != nullptr; }
    env::Task<void> OnObjectEvent(services::s3::ObjectEvent event) override {
        const Deliver* deliver = Find(event.target_arn);
        if (deliver != nullptr) co_await (*deliver)(std::move(event));
    }

  private:
    const Deliver* Find(const std::string& target_arn) const {
        for (const auto& [prefix, deliver] : targets_) {
            if (target_arn.starts_with(prefix)) return &deliver;
        }
        return nullptr;
    }
    std::vector<std::pair<std::string, Deliver>> targets_;
};

}  // namespace wellhead::server
