#pragma once
// Recovery: sessions, subscriptions, queues and retained messages as the journal says.

#include "mqtt/core.h"
#include "storage/shard_log/shard_log.h"

namespace wellhead::mqtt {

// Before there are connections. A damaged stretch of the journal is logged and passed over; what is left is used.
env::Task<base::Result<void>> Recover(Core& core, storage::ShardLog& log);

}  // namespace wellhead::mqtt
