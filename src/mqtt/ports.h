#pragma once
// What the broker asks of the world around it, and what it offers to the services inside.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "env/task.h"

namespace wellhead::mqtt {

enum class QoS : uint8_t { kAtMostOnce = 0, kAtLeastOnce = 1, kExactlyOnce = 2 };

// A message as it came from a publisher: application payload and the MQTT 5 properties that travel with it.
struct Message {
    std::string topic;
    base::Bytes payload;
    QoS qos = QoS::kAtMostOnce;
    bool retain = false;
    std::vector<std::pair<std::string, std::string>> user_properties;
    std::string content_type;
    std::string response_topic;
    base::Bytes correlation_data;
    uint8_t payload_format = 0;
    uint32_t expiry_s = 0;  // 0: never
};

// What a QoS 2 message is known by across a crash (docs/exactly_once.md).
struct OnceOnly {
    base::Bytes token;  // 16 random bytes
    // Given when it is delivered once more after a restart: what of it was done was done since then.
    std::optional<base::Instant> done_since;
};

// A message and whose it is.
struct PublishedMessage {
    Message message;
    std::string client_id;  // empty for one from inside
    std::string principal;  // certificate id, access key id, or empty
    base::Instant arrival;
    std::string peer_address;  // numeric; empty for one from inside
    // By how many rules in a row it was republished: a publish that a rule made carries one more than the message that
    // triggered it, so that rules that feed each other come to an end.
    int republished = 0;
    std::shared_ptr<const OnceOnly> once;  // null: no effect of it is to be told apart from another message's
};

// What else happens to a published message than going to subscribers: topic rules, shadows.
class PublishSink {
  public:
    virtual ~PublishSink() = default;
    // In a client's own order, as many at once as were read together. Returns when everything that an acknowledgement
    // stands for is durable. One result per message; an error means no acknowledgement: MQTT 5 gets its reason code,
    // MQTT 3.1.1 loses the connection, and the client sends again.
    virtual env::Task<std::vector<base::Result<void>>> Deliver(
        std::span<const PublishedMessage> messages) = 0;
    // Topics that subscribers never see (Basic Ingest, $aws/rules/...).
    virtual bool ReservesTopic(std::string_view topic) const = 0;
};

struct ConnectAttempt {
    std::string client_id;
    std::string user_name;
    base::Bytes password;
    bool has_password = false;
    base::Bytes client_certificate_der;  // empty without mutual TLS
    std::string signed_access_key_id;    // WebSocket with a verified SigV4 address; empty otherwise
    std::string peer_address;
    std::string server_name;
    bool tls = false;
    bool will = false;
    std::string will_topic;
};

// What one connection may do; immutable, asked on the hot path. Thread-safe.
class Permissions {
  public:
    virtual ~Permissions() = default;
    virtual bool MayPublish(std::string_view topic, bool retain) const = 0;
    virtual bool MaySubscribe(std::string_view filter) const = 0;
    virtual bool MayReceive(std::string_view topic) const = 0;
    virtual std::string_view principal() const = 0;
};

class Authorizer {
  public:
    virtual ~Authorizer() = default;
    // The permissions, or kPermission with the reason for the log.
    virtual env::Task<base::Result<std::shared_ptr<const Permissions>>> Connect(
        const ConnectAttempt& attempt) = 0;
};

// What became of a client. Views live for the call.
struct ClientEvent {
    enum class Kind { kConnected, kDisconnected, kSubscribed, kUnsubscribed };
    Kind kind = Kind::kConnected;
    std::string_view client_id{};
    std::string_view principal{};
    std::string_view peer_address{};
    uint64_t session = 0;     // unique in this broker, across restarts
    uint64_t connection = 0;  // counts the connections of the session, from 0
    base::Instant at{};
    // kDisconnected: who ended it, and the reason code that was said or would have been; nothing: the line broke.
    bool by_client = false;
    std::optional<uint8_t> reason{};
    std::vector<std::string_view> filters{};  // of kSubscribed, kUnsubscribed
};

// What the world is told of clients that come and go. Thread-safe.
class ClientEvents {
  public:
    virtual ~ClientEvents() = default;
    // The message to publish about it, or nothing.
    virtual std::optional<PublishedMessage> Announce(const ClientEvent& event) = 0;
};

// How services inside publish, look at retained messages and end connections. Thread-safe.
class BrokerControl {
  public:
    virtual ~BrokerControl() = default;
    // As a publish from a client would go: subscribers, retained store, sink. Returns when durable as its QoS asks.
    virtual env::Task<base::Result<void>> Publish(PublishedMessage message) = 0;
    virtual env::Task<base::Result<std::vector<Message>>> RetainedMessages() = 0;
    // Ends the connections of a principal whose permissions changed or went away.
    virtual void DisconnectPrincipal(std::string_view principal, std::string reason) = 0;
    virtual bool IsConnected(std::string_view client_id) const = 0;
};

}  // namespace wellhead::mqtt
