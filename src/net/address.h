#pragma once
// Where the other side is.

#include <cstdint>
#include <string>

namespace wellhead::net {

struct PeerAddress {
    std::string address;  // numeric
    uint16_t port = 0;
};

}  // namespace wellhead::net
