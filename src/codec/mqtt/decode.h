#pragma once
// Bytes to packets. First the fixed header, then, when the whole packet is there, the body by its type.

#include "base/bytes.h"
#include "codec/mqtt/packets.h"
#include "codec/mqtt/types.h"

namespace wellhead::codec::mqtt {

struct FixedHeader {
    PacketType type = PacketType::kConnect;
    uint8_t flags = 0;
    uint8_t size = 0;        // of the fixed header itself; 0: more bytes are needed
    uint32_t remaining = 0;  // bytes of the body
    // The length is written in more bytes than it needs: malformed in 5 ([MQTT-1.5.5-1]), not in 3.1.1.
    bool overlong = false;
};

// The header at the front of bytes, or size 0 when it is not complete yet. The flags are checked ([MQTT-2.1.3-1]).
Decoded<FixedHeader> DecodeFixedHeader(base::ByteView bytes);

// body is exactly the `remaining` bytes. Every byte must be accounted for.
// CONNECT of an unknown level fails with kUnsupportedProtocolVersion; with another failure out.version is the packet's
// as far as it could be read, else 3.1.1.
Decoded<void> DecodeConnect(base::ByteView body, Connect& out);
Decoded<void> DecodeConnack(base::ByteView body, Version version, Connack& out);
// out may be used again: it is reset first.
Decoded<void> DecodePublish(uint8_t flags, base::ByteView body, Version version, Publish& out);
Decoded<void> DecodeAck(PacketType type, base::ByteView body, Version version, Ack& out);
Decoded<void> DecodeSubscribe(base::ByteView body, Version version, Subscribe& out);
Decoded<void> DecodeFilterAck(PacketType type, base::ByteView body, Version version, FilterAck& out);
Decoded<void> DecodeUnsubscribe(base::ByteView body, Version version, Unsubscribe& out);
Decoded<void> DecodeNotice(PacketType type, base::ByteView body, Version version, Notice& out);
// PINGREQ, PINGRESP.
Decoded<void> DecodePing(base::ByteView body);

}  // namespace wellhead::codec::mqtt
