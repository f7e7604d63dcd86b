#pragma once
// Publishing from inside: services, wills, shadows.

#include "mqtt/core.h"
#include "mqtt/ports.h"
#include "mqtt/router.h"

namespace wellhead::mqtt {

// As a publish from a client goes. Returns when it is durable as its QoS asks.
env::Task<base::Result<void>> PublishInside(Core& core, PublishedMessage message);
// The same, without waiting; a failure is logged. From any thread.
void PublishInBackground(Core& core, PublishedMessage message);

}  // namespace wellhead::mqtt
