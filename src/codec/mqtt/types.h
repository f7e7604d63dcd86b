#pragma once
// The vocabulary of MQTT: versions, packet types, reason codes. (OASIS MQTT 3.1.1 and 5.0; section numbers are 5.0's.)

#include <cstdint>
#include <expected>
#include <string_view>

namespace wellhead::codec::mqtt {

// The protocol level byte of CONNECT.
enum class Version : uint8_t { k311 = 4, k5 = 5 };

enum class PacketType : uint8_t {  // 2.1.2
    kConnect = 1,
    kConnack = 2,
    kPublish = 3,
    kPuback = 4,
    kPubrec = 5,
    kPubrel = 6,
    kPubcomp = 7,
    kSubscribe = 8,
    kSuback = 9,
    kUnsubscribe = 10,
    kUnsuback = 11,
    kPingreq = 12,
    kPingresp = 13,
    kDisconnect = 14,
    kAuth = 15,
};
std::string_view PacketName(PacketType type);

enum class ReasonCode : uint8_t {  // 2.4
    kSuccess = 0x00,  // also Normal disconnection, Granted QoS 0
    kGrantedQoS1 = 0x01,
    kGrantedQoS2 = 0x02,
    kDisconnectWithWill = 0x04,
    kNoMatchingSubscribers = 0x10,
    kNoSubscriptionExisted = 0x11,
    kContinueAuthentication = 0x18,
    kReauthenticate = 0x19,
    kUnspecifiedError = 0x80,
    kMalformedPacket = 0x81,
    kProtocolError = 0x82,
    kImplementationSpecificError = 0x83,
    kUnsupportedProtocolVersion = 0x84,
    kClientIdentifierNotValid = 0x85,
    kBadUserNameOrPassword = 0x86,
    kNotAuthorized = 0x87,
    kServerUnavailable = 0x88,
    kServerBusy = 0x89,
    kBanned = 0x8A,
    kServerShuttingDown = 0x8B,
    kBadAuthenticationMethod = 0x8C,
    kKeepAliveTimeout = 0x8D,
    kSessionTakenOver = 0x8E,
    kTopicFilterInvalid = 0x8F,
    kTopicNameInvalid = 0x90,
    kPacketIdentifierInUse = 0x91,
    kPacketIdentifierNotFound = 0x92,
    kReceiveMaximumExceeded = 0x93,
    kTopicAliasInvalid = 0x94,
    kPacketTooLarge = 0x95,
    kMessageRateTooHigh = 0x96,
    kQuotaExceeded = 0x97,
    kAdministrativeAction = 0x98,
    kPayloadFormatInvalid = 0x99,
    kRetainNotSupported = 0x9A,
    kQoSNotSupported = 0x9B,
    kUseAnotherServer = 0x9C,
    kServerMoved = 0x9D,
    kSharedSubscriptionsNotSupported = 0x9E,
    kConnectionRateExceeded = 0x9F,
    kMaximumConnectTime = 0xA0,
    kSubscriptionIdentifiersNotSupported = 0xA1,
    kWildcardSubscriptionsNotSupported = 0xA2,
};
// Whether 2.4 lists the code for packets of this type.
bool IsReasonFor(PacketType type, uint8_t code);

// Why bytes are not a packet: the code to answer with, and the cause for a person (a literal).
struct [[nodiscard]] DecodeError {
    ReasonCode reason;
    const char* what;
};
template <class T>
using Decoded = std::expected<T, DecodeError>;

inline std::unexpected<DecodeError> Malformed(const char* what) {
    return std::unexpected(DecodeError{ReasonCode::kMalformedPacket, what});
}
inline std::unexpected<DecodeError> ProtocolError(const char* what) {
    return std::unexpected(DecodeError{ReasonCode::kProtocolError, what});
}

// A UTF-8 Encoded String of 1.5.4: well formed, no surrogates, no U+0000.
bool IsMqttUtf8(std::string_view text);

inline constexpr uint32_t kMaxRemainingLength = 268'435'455;  // 1.5.5: four bytes of seven bits

}  // namespace wellhead::codec::mqtt
