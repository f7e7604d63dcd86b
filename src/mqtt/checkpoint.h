#pragma once
// Checkpoint: what is alive, written again behind the end of the journal, so that what is before can go.

#include "mqtt/core.h"

namespace wellhead::mqtt {

// The bytes that were written. Connections go on meanwhile; each session stands still only while it is written.
env::Task<base::Result<uint64_t>> WriteCheckpoint(Core& core);

}  // namespace wellhead::mqtt
