#include "codec/mqtt/decode_all.h"

#include "base/check.h"
#include "codec/mqtt/decode.h"
#include "codec/mqtt/encode.h"

namespace wellhead::codec::mqtt {

namespace {

// Decodes body and encodes it again; nothing when it is not a packet.
Decoded<base::Bytes> Recode(const FixedHeader& header, base::ByteView body, Version version) {
    base::Bytes out;
    switch (header.type) {
        case PacketType::kConnect: {
            Connect packet;
            if (auto r = DecodeConnect(body, packet); !r) return std::unexpected(r.error());
            AppendConnect(out, packet);
            break;
        }
        case PacketType::kConnack: {
            Connack packet;
            if (auto r = DecodeConnack(body, version, packet); !r) return std::unexpected(r.error());
            AppendConnack(out, version, packet);
            break;
        }
        case PacketType::kPublish: {
            Publish packet;
            if (auto r = DecodePublish(header.flags, body, version, packet); !r) return std::unexpected(r.error());
            AppendPublish(out, version, packet);
            break;
        }
        case PacketType::kPuback:
        case PacketType::kPubrec:
        case PacketType::kPubrel:
        case PacketType::kPubcomp: {
            Ack packet;
            if (auto r = DecodeAck(header.type, body, version, packet); !r) return std::unexpected(r.error());
            AppendAck(out, header.type, version, packet);
            break;
        }
        case PacketType::kSubscribe: {
            Subscribe packet;
            if (auto r = DecodeSubscribe(body, version, packet); !r) return std::unexpected(r.error());
            AppendSubscribe(out, version, packet);
            break;
        }
        case PacketType::kSuback:
        case PacketType::kUnsuback: {
            FilterAck packet;
            auto r = DecodeFilterAck(header.type, body, version, packet);
            if (!r) return std::unexpected(r.error());
            AppendFilterAck(out, header.type, version, packet);
            break;
        }
        case PacketType::kUnsubscribe: {
            Unsubscribe packet;
            if (auto r = DecodeUnsubscribe(body, version, packet); !r) return std::unexpected(r.error());
            AppendUnsubscribe(out, version, packet);
            break;
        }
        case PacketType::kDisconnect:
        case PacketType::kAuth: {
            Notice packet;
            if (auto r = DecodeNotice(header.type, body, version, packet); !r) return std::unexpected(r.error());
            AppendNotice(out, header.type, version, packet);
            break;
        }
        default: {
            if (auto r = DecodePing(body); !r) return std::unexpected(r.error());
            AppendPing(out, header.type);
        }
    }
    return out;
}

}  // namespace

int DecodeAll(base::ByteView bytes) {
    int accepted = 0;
    for (Version version : {Version::k311, Version::k5}) {
        auto header = DecodeFixedHeader(bytes);
        if (!header || header->size == 0) continue;
        if (bytes.size() - header->size < header->remaining) continue;
        auto once = Recode(*header, bytes.substr(header->size, header->remaining), version);
        if (!once) continue;
        ++accepted;
        auto again = DecodeFixedHeader(*once);
        CHECK(again && again->size > 0 && again->size + again->remaining == once->size());
        auto twice = Recode(*again, base::ByteView(*once).substr(again->size), version);
        CHECK(twice && *twice == *once);
    }
    return accepted;
}

}  // namespace wellhead::codec::mqtt
