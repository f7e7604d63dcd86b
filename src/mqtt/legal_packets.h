#pragma once
// Which packet may come when, as one table.

#include "codec/mqtt/types.h"

namespace wellhead::mqtt {

enum class Phase : uint8_t {
    kAwaitConnect,  // nothing came yet
    kAuthorizing,   // CONNECT came, the answer is not decided
    kConnected,
    kFinished,      // closing: whatever still comes is not looked at
};

enum class Legality : uint8_t {
    kLegal,
    kLater,  // waits unread until the phase changes
    kIllegal,
};

// A packet from a client. AUTH never is legal: no extended authentication is offered, so none goes on (4.12).
constexpr Legality FromClient(Phase phase, codec::mqtt::PacketType type) {
    using enum codec::mqtt::PacketType;
    switch (phase) {
        case Phase::kAwaitConnect:
            return type == kConnect ? Legality::kLegal : Legality::kIllegal;  // [MQTT-3.1.0-1]
        case Phase::kAuthorizing:
            return Legality::kLater;
        case Phase::kFinished:
            return Legality::kLater;
        case Phase::kConnected:
            switch (type) {
                case kPublish:
                case kPuback:
                case kPubrec:
                case kPubrel:
                case kPubcomp:
                case kSubscribe:
                case kUnsubscribe:
                case kPingreq:
                case kDisconnect:
                    return Legality::kLegal;
                case kConnect:  // [MQTT-3.1.0-2]
                case kConnack:
                case kSuback:
                case kUnsuback:
                case kPingresp:
                case kAuth:
                    return Legality::kIllegal;
            }
    }
    return Legality::kIllegal;
}

}  // namespace wellhead::mqtt
