#include "mqtt/core.h"

#include "mqtt/ingest.h"
#include "mqtt/session_registry.h"

namespace wellhead::mqtt {

Home::Home(env::Executor home_executor) : executor(std::move(home_executor)) {}
Home::~Home() = default;

Core::Core(BrokerSettings broker_settings, env::Clock& broker_clock, env::Random& broker_random,
           Authorizer& broker_authorizer, PublishSink* publish_sink)
    : settings(std::move(broker_settings)), clock(broker_clock), random(broker_random), authorizer(broker_authorizer),
      sink(publish_sink) {}
Core::~Core() = default;

}  // namespace wellhead::mqtt
