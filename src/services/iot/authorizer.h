#pragma once
// Who a connection is, and what it may do: by its client certificate and the policies attached to it.

#include <memory>
#include <string>

#include "env/clock.h"
#include "mqtt/ports.h"
#include "services/iot/auto_registration.h"
#include "services/iot/registry.h"

namespace wellhead::services::iot {

struct AuthorizerSettings {
    std::string region;
    std::string account_id;
    // Connections without TLS may do everything: for a plain listener on loopback that was asked for.
    bool trust_plain = false;
    // As AWS does; clients that were given an IP address send none.
    bool require_server_name = false;
};

// What policies are told of a client that would connect with that principal, without a connection.
std::unique_ptr<const PolicyContext> MakeClientContext(const Registry& registry, const std::string& principal_arn,
                                                       const std::string& client_id, base::Instant now);

// registry, clock and registration outlive it and every Permissions it gave. Permissions follow the registry: a change of policies,
// attachments, things or certificates holds for the next packet.
std::unique_ptr<mqtt::Authorizer> MakeAuthorizer(Registry& registry, env::Clock& clock,
                                                 AutoRegistration& registration, AuthorizerSettings settings);

}  // namespace wellhead::services::iot
