#include <gtest/gtest.h>

#include <random>

#include "codec/mqtt/decode.h"
#include "codec/mqtt/decode_all.h"
#include "codec/mqtt/encode.h"

namespace wellhead::codec::mqtt {
namespace {

// "10 0c ..." to bytes.
base::Bytes Hex(std::string_view text) {
    base::Bytes out;
    int digits = 0;
    int value = 0;
    for (char c : text) {
        if (c == ' ') continue;
        value = value * 16 + (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
        if (++digits == 2) {
            out.push_back(static_cast<char>(value));
            digits = value = 0;
        }
    }
    return out;
}

FixedHeader HeaderOf(const base::Bytes& bytes) {
    auto header = DecodeFixedHeader(bytes);
    EXPECT_TRUE(header && header->size > 0 && header->size + header->remaining == bytes.size());
    return header.value_or(FixedHeader());
}

base::ByteView BodyOf(const base::Bytes& bytes) { return base::ByteView(bytes).substr(HeaderOf(bytes).size); }

ReasonCode ConnectFailure(std::string_view hex) {
    Connect packet;
    base::Bytes bytes = Hex(hex);
    auto result = DecodeConnect(bytes, packet);
    return result ? ReasonCode::kSuccess : result.error().reason;
}

TEST(MqttCodec, ReadsAConnectOfMosquitto) {
    base::Bytes bytes = Hex("10 10 00 04 4d515454 04 02 003c 0004 61626364");
    Connect packet;
    ASSERT_TRUE(DecodeConnect(BodyOf(bytes), packet));
    EXPECT_EQ(packet.version, Version::k311);
    EXPECT_TRUE(packet.clean_start);
    EXPECT_EQ(packet.keep_alive_s, 60);
    EXPECT_EQ(packet.client_id, "abcd");
    EXPECT_FALSE(packet.will || packet.user_name || packet.password);
}

TEST(MqttCodec, KeepsEveryFieldOfAConnectThroughARoundTrip) {
    Connect packet;
    packet.version = Version::k5;
    packet.clean_start = false;
    packet.keep_alive_s = 7;
    packet.client_id = "well-07";
    packet.user_name = "?SDK=JS";
    packet.password = base::ByteView("\0x", 2);
    packet.properties.session_expiry_s = 3600;
    packet.properties.Mark(PropertyId::kSessionExpiry);
    packet.properties.receive_maximum = 10;
    packet.properties.Mark(PropertyId::kReceiveMaximum);
    packet.properties.user_properties = {{"a", "b"}, {"a", "c"}};
    packet.properties.Mark(PropertyId::kUserProperty);
    packet.will.emplace();
    packet.will->topic = "gone";
    packet.will->payload = "bye";
    packet.will->qos = 2;
    packet.will->retain = true;
    packet.will->properties.will_delay_s = 5;
    packet.will->properties.Mark(PropertyId::kWillDelay);
    base::Bytes bytes;
    AppendConnect(bytes, packet);
    Connect read;
    ASSERT_TRUE(DecodeConnect(BodyOf(bytes), read));
    EXPECT_FALSE(read.clean_start);
    EXPECT_EQ(read.properties.session_expiry_s, 3600u);
    EXPECT_EQ(read.properties.receive_maximum, 10);
    EXPECT_EQ(read.properties.user_properties, packet.properties.user_properties);
    ASSERT_TRUE(read.will);
    EXPECT_EQ(read.will->topic, "gone");
    EXPECT_EQ(read.will->payload, "bye");
    EXPECT_EQ(read.will->qos, 2);
    EXPECT_TRUE(read.will->retain);
    EXPECT_EQ(read.will->properties.will_delay_s, 5u);
    EXPECT_EQ(read.user_name, "?SDK=JS");
    EXPECT_EQ(read.password, base::ByteView("\0x", 2));
}

TEST(MqttCodec, RefusesBrokenConnectsByClause) {
    const std::string head = "0004 4d515454";
    EXPECT_EQ(ConnectFailure("0004 4d515455 04 02 003c 0000"), ReasonCode::kMalformedPacket);  // 3.1.2-1
    EXPECT_EQ(ConnectFailure(head + "06 02 003c 0000"), ReasonCode::kUnsupportedProtocolVersion);  // 3.1.2-2
    EXPECT_EQ(ConnectFailure("0006 4d5149736470 03 02 003c 0000"), ReasonCode::kUnsupportedProtocolVersion);
    EXPECT_EQ(ConnectFailure(head + "04 03 003c 0000"), ReasonCode::kMalformedPacket);  // 3.1.2-3
    EXPECT_EQ(ConnectFailure(head + "04 08 003c 0000"), ReasonCode::kMalformedPacket);  // 3.1.2-11
    EXPECT_EQ(ConnectFailure(head + "04 20 003c 0000"), ReasonCode::kMalformedPacket);  // 3.1.2-13
    EXPECT_EQ(ConnectFailure(head + "04 1c 003c 0000 0000 0000"), ReasonCode::kMalformedPacket);  // 3.1.2-12
    EXPECT_EQ(ConnectFailure(head + "04 42 003c 0000 0000"), ReasonCode::kMalformedPacket);  // 3.1.1's 3.1.2-22
    EXPECT_EQ(ConnectFailure(head + "05 42 003c 00 0000 0000"), ReasonCode::kSuccess);  // allowed in 5
    EXPECT_EQ(ConnectFailure(head + "04 02 003c 0001 ff"), ReasonCode::kMalformedPacket);  // 1.5.4-1
    EXPECT_EQ(ConnectFailure(head + "04 02 003c 0000 00"), ReasonCode::kMalformedPacket);  // trailing byte
    EXPECT_EQ(ConnectFailure(head + "05 02 003c 03 210000 0000"), ReasonCode::kProtocolError);  // receive maximum 0
    EXPECT_EQ(ConnectFailure(head + "05 02 003c 06 210001210001 0000"), ReasonCode::kProtocolError);  // twice
    EXPECT_EQ(ConnectFailure(head + "05 02 003c 02 2401 0000"), ReasonCode::kMalformedPacket);  // not of CONNECT
    EXPECT_EQ(ConnectFailure(head + "05 02 003c 02 1702 0000"), ReasonCode::kProtocolError);  // 3.1.2.11.7
    EXPECT_EQ(ConnectFailure(head + "05 02 003c 05 2700000000 0000"), ReasonCode::kProtocolError);
    EXPECT_EQ(ConnectFailure(head + "05 02 003c 04 16000161 0000"), ReasonCode::kProtocolError);  // data, no method
}

TEST(MqttCodec, ReadsFixedHeadersAndAsksForMore) {
    EXPECT_EQ(DecodeFixedHeader("")->size, 0);
    EXPECT_EQ(DecodeFixedHeader(Hex("30"))->size, 0);
    EXPECT_EQ(DecodeFixedHeader(Hex("30 80"))->size, 0);
    auto header = DecodeFixedHeader(Hex("30 ff ff ff 7f"));
    ASSERT_TRUE(header);
    EXPECT_EQ(header->remaining, kMaxRemainingLength);
    EXPECT_FALSE(DecodeFixedHeader(Hex("30 ff ff ff ff")));
    EXPECT_FALSE(DecodeFixedHeader(Hex("00 00")));
    EXPECT_FALSE(DecodeFixedHeader(Hex("36 00")));  // 3.3.1-4
    EXPECT_FALSE(DecodeFixedHeader(Hex("38 00")));  // 3.3.1-2
    EXPECT_FALSE(DecodeFixedHeader(Hex("60 02")));  // 3.6.1-1
    EXPECT_FALSE(DecodeFixedHeader(Hex("80 02")));  // 3.8.1-1
    EXPECT_FALSE(DecodeFixedHeader(Hex("c1 00")));  // 2.1.3-1
    EXPECT_TRUE(DecodeFixedHeader(Hex("62 02")));
}

TEST(MqttCodec, KeepsAPublishWithAllItsPropertiesThroughARoundTrip) {
    Publish packet;
    packet.qos = 2;
    packet.dup = true;
    packet.retain = true;
    packet.packet_id = 513;
    packet.topic = "wells/well-07";
    packet.payload = "{}";
    auto& p = packet.properties;
    p.payload_format = 1;
    p.message_expiry_s = 9;
    p.content_type = "application/json";
    p.response_topic = "answers";
    p.correlation_data = "id";
    p.subscription_ids = {1, 268435455};
    p.topic_alias = 3;
    p.user_properties = {{"k", "v"}};
    for (auto id : {PropertyId::kPayloadFormat, PropertyId::kMessageExpiry, PropertyId::kContentType,
                    PropertyId::kResponseTopic, PropertyId::kCorrelationData, PropertyId::kSubscriptionId,
                    PropertyId::kTopicAlias, PropertyId::kUserProperty}) {
        p.Mark(id);
    }
    base::Bytes bytes;
    AppendPublish(bytes, Version::k5, packet);
    Publish read;
    ASSERT_TRUE(DecodePublish(HeaderOf(bytes).flags, BodyOf(bytes), Version::k5, read));
    EXPECT_TRUE(read.dup && read.retain);
    EXPECT_EQ(read.qos, 2);
    EXPECT_EQ(read.packet_id, 513);
    EXPECT_EQ(read.topic, packet.topic);
    EXPECT_EQ(read.payload, packet.payload);
    EXPECT_EQ(read.properties.subscription_ids, p.subscription_ids);
    EXPECT_EQ(read.properties.user_properties, p.user_properties);
    EXPECT_EQ(read.properties.topic_alias, 3);
    EXPECT_EQ(read.properties.message_expiry_s, 9u);
    EXPECT_EQ(read.properties.correlation_data, "id");
    EXPECT_EQ(read.properties.present, p.present);
}

TEST(MqttCodec, RefusesBrokenPublishes) {
    Publish packet;
    auto failure = [&](uint8_t flags, std::string_view hex, Version version) {
        base::Bytes bytes = Hex(hex);
        auto result = DecodePublish(flags, bytes, version, packet);
        return result ? ReasonCode::kSuccess : result.error().reason;
    };
    EXPECT_EQ(failure(2, "0001 61 0000", Version::k311), ReasonCode::kProtocolError);  // 2.2.1-3
    EXPECT_EQ(failure(2, "0001 61", Version::k311), ReasonCode::kMalformedPacket);
    EXPECT_EQ(failure(0, "0002 61", Version::k311), ReasonCode::kMalformedPacket);
    EXPECT_EQ(failure(0, "0001 00", Version::k311), ReasonCode::kMalformedPacket);  // 1.5.4-2
    EXPECT_EQ(failure(0, "0003 eda080", Version::k311), ReasonCode::kMalformedPacket);  // 1.5.4-1
    EXPECT_EQ(failure(0, "0001 61 03 230000", Version::k5), ReasonCode::kTopicAliasInvalid);  // 3.3.2-8
    EXPECT_EQ(failure(0, "0001 61 02 0102", Version::k5), ReasonCode::kProtocolError);
    EXPECT_EQ(failure(0, "0001 61 05 0100", Version::k5), ReasonCode::kMalformedPacket);
    EXPECT_EQ(failure(0, "0001 61 02 0b00", Version::k5), ReasonCode::kProtocolError);
    EXPECT_EQ(failure(0, "0001 61 ffffffff01", Version::k5), ReasonCode::kMalformedPacket);
}

TEST(MqttCodec, WritesTheShortFormOfAcknowledgements) {
    base::Bytes bytes;
    AppendAck(bytes, PacketType::kPuback, Version::k5, {.packet_id = 258, .reason = {}, .properties = {}});
    AppendAck(bytes, PacketType::kPubrel, Version::k311, {.packet_id = 1, .reason = {}, .properties = {}});
    AppendAck(bytes, PacketType::kPuback, Version::k5,
              {.packet_id = 258, .reason = ReasonCode::kQuotaExceeded, .properties = {}});
    EXPECT_EQ(bytes, Hex("40 02 0102 62 02 0001 40 03 0102 97"));
    Ack read;
    ASSERT_TRUE(DecodeAck(PacketType::kPuback, Hex("0102 97"), Version::k5, read));
    EXPECT_EQ(read.reason, ReasonCode::kQuotaExceeded);
    EXPECT_FALSE(DecodeAck(PacketType::kPuback, Hex("0102 97"), Version::k311, read));
    EXPECT_FALSE(DecodeAck(PacketType::kPuback, Hex("0102 92"), Version::k5, read));  // a code of PUBREL
    EXPECT_TRUE(DecodeAck(PacketType::kPubrel, Hex("0102 92 00"), Version::k5, read));
    EXPECT_FALSE(DecodeAck(PacketType::kPuback, Hex("0000"), Version::k311, read));
}

TEST(MqttCodec, ReadsSubscriptionOptions) {
    base::Bytes bytes = Hex("000a 00 0003 612f62 2e");
    Subscribe packet;
    ASSERT_TRUE(DecodeSubscribe(bytes, Version::k5, packet));
    ASSERT_EQ(packet.filters.size(), 1u);
    EXPECT_EQ(packet.filters[0].filter, "a/b");
    EXPECT_EQ(packet.filters[0].qos, 2);
    EXPECT_TRUE(packet.filters[0].no_local && packet.filters[0].retain_as_published);
    EXPECT_EQ(packet.filters[0].retain_handling, 2);
    EXPECT_FALSE(DecodeSubscribe(Hex("000a 0003 612f62 2e"), Version::k311, packet));  // 3.1.1's 3-8.3-4
    EXPECT_FALSE(DecodeSubscribe(Hex("000a 00 0003 612f62 42"), Version::k5, packet));  // 3.8.3-5
    EXPECT_FALSE(DecodeSubscribe(Hex("000a 00 0003 612f62 30"), Version::k5, packet));
    EXPECT_FALSE(DecodeSubscribe(Hex("000a 00 0003 612f62 03"), Version::k5, packet));
    EXPECT_FALSE(DecodeSubscribe(Hex("000a 00"), Version::k5, packet));  // 3.8.3-2
    EXPECT_FALSE(DecodeSubscribe(Hex("0000 00 0003 612f62 01"), Version::k5, packet));
    Unsubscribe none;
    EXPECT_FALSE(DecodeUnsubscribe(Hex("000a 00"), Version::k5, none));  // 3.10.3-2
}

TEST(MqttCodec, TranslatesRefusalsFor311) {
    base::Bytes bytes;
    AppendConnack(bytes, Version::k311, {.session_present = false, .reason = ReasonCode::kNotAuthorized, .properties = {}});
    EXPECT_EQ(bytes, Hex("20 02 00 05"));
    bytes.clear();
    AppendFilterAck(bytes, PacketType::kSuback, Version::k311,
                    {.packet_id = 1, .properties = {}, .reasons = {ReasonCode::kGrantedQoS1, ReasonCode::kNotAuthorized}});
    EXPECT_EQ(bytes, Hex("90 04 0001 01 80"));
    bytes.clear();
    AppendFilterAck(bytes, PacketType::kUnsuback, Version::k311,
                    {.packet_id = 1, .properties = {}, .reasons = {ReasonCode::kSuccess}});
    EXPECT_EQ(bytes, Hex("b0 02 0001"));
}

TEST(MqttCodec, ChecksUtf8) {
    EXPECT_TRUE(IsMqttUtf8("wells/well-07/telemetry"));
    EXPECT_TRUE(IsMqttUtf8("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80 and plain text behind it"));
    EXPECT_FALSE(IsMqttUtf8(base::ByteView("plain text \0 with a zero", 24)));
    EXPECT_FALSE(IsMqttUtf8("\xc0\x80"));
    EXPECT_FALSE(IsMqttUtf8("\xed\xa0\x80"));
    EXPECT_FALSE(IsMqttUtf8("\xf4\x90\x80\x80"));
    EXPECT_FALSE(IsMqttUtf8("cut \xe2\x82"));
    EXPECT_TRUE(IsMqttUtf8("\xef\xbb\xbf"));  // [MQTT-1.5.4-3]: kept
}

TEST(MqttCodec, SurvivesRandomAndMutatedBytes) {
    std::vector<base::Bytes> seeds = {
        Hex("10 10 00 04 4d515454 04 02 003c 0004 61626364"),
        Hex("10 2b 00 04 4d515454 05 ce 003c 0f 110000000a 21000a 26000161000162 0004 61626364 05 1800000001 0001 77 "
            "0001 78 0001 75 0001 70"),
        Hex("20 06 00 00 03 210064"),
        Hex("32 14 0003 612f62 000a 0a 0101 0200000009 230001 7b7d"),
        Hex("40 04 0001 10 00"),
        Hex("62 05 0001 92 00"),
        Hex("82 0c 000a 02 0b01 0003 612f62 2e 0000 00"),
        Hex("90 05 000a 00 01 87"),
        Hex("a2 08 000a 00 0003 612f62"),
        Hex("e0 07 81 05 1f0002 6f6b"),
        Hex("f0 08 18 06 15 0003 616263"),
        Hex("c0 00"),
    };
    std::mt19937 random(7);
    int accepted = 0;
    for (auto& seed : seeds) {
        seed[1] = static_cast<char>(seed.size() - 2);
        EXPECT_GT(DecodeAll(seed), 0) << testing::PrintToString(seed);
    }
    for (int round = 0; round < 20'000; ++round) {
        base::Bytes bytes = seeds[random() % seeds.size()];
        for (unsigned edits = random() % 4; edits > 0; --edits) {
            switch (random() % 4) {
                case 0: bytes[random() % bytes.size()] = static_cast<char>(random()); break;
                case 1: bytes.insert(random() % bytes.size(), 1, static_cast<char>(random())); break;
                case 2: if (bytes.size() > 2) bytes.erase(random() % bytes.size(), 1); break;
                default: bytes[1] = static_cast<char>(bytes.size() - 2); break;
            }
        }
        accepted += DecodeAll(bytes);
    }
    EXPECT_GT(accepted, 1000);
}

}  // namespace
}  // namespace wellhead::codec::mqtt
