#pragma once
// Packets to bytes, appended to out. The caller keeps within the receiver's Maximum Packet Size.

#include "base/bytes.h"
#include "codec/mqtt/packets.h"

namespace wellhead::codec::mqtt {

void AppendConnect(base::Bytes& out, const Connect& packet);
void AppendConnack(base::Bytes& out, Version version, const Connack& packet);
void AppendPublish(base::Bytes& out, Version version, const Publish& packet);
// With reason 0 and no properties the short form; 3.1.1 always has only the identifier.
void AppendAck(base::Bytes& out, PacketType type, Version version, const Ack& packet);
void AppendSubscribe(base::Bytes& out, Version version, const Subscribe& packet);
// In 3.1.1 every failure of a SUBACK is 0x80.
void AppendFilterAck(base::Bytes& out, PacketType type, Version version, const FilterAck& packet);
void AppendUnsubscribe(base::Bytes& out, Version version, const Unsubscribe& packet);
void AppendNotice(base::Bytes& out, PacketType type, Version version, const Notice& packet);
void AppendPing(base::Bytes& out, PacketType type);

// A PUBLISH put together from parts that are kept encoded: properties is the block without its length (ignored in
// 3.1.1). What a server sends a thousand times.
struct PublishParts {
    bool dup = false;
    uint8_t qos = 0;
    bool retain = false;
    uint16_t packet_id = 0;
    base::ByteView topic;
    base::ByteView first_properties;
    base::ByteView more_properties;
    base::ByteView payload;
};
void AppendPublishParts(base::Bytes& out, Version version, const PublishParts& parts);
// How many bytes AppendPublishParts would append.
size_t PublishSize(Version version, const PublishParts& parts);

}  // namespace wellhead::codec::mqtt
