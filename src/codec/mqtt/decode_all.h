#pragma once
// DecodeAll: for fuzzing; runs a packet through its decoder in both versions and checks that what was decoded survives
// encoding and decoding.

#include "base/bytes.h"

namespace wellhead::codec::mqtt {
// How many of the two versions accepted the packet.
int DecodeAll(base::ByteView bytes);
}  // namespace wellhead::codec::mqtt
