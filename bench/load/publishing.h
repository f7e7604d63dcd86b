#pragma once
// Devices that publish readings, by QoS 1 with a window each, and what came of it.

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "load/connection.h"

namespace bench {

using Clock = std::chrono::steady_clock;

struct PublishOptions {
    int clients = 20;
    int window = 100;
    int payload = 128;
    double seconds = 5;
    double warmup = 1;
    double rate = 0;  // messages a second of all clients together; 0: as fast as the windows allow
    std::string topic = "bench/{}/data";  // {}: the device
};

// A device: its connection, its packet, what it waits for.
class Publisher {
  public:
    Publisher(const Endpoint& endpoint, SSL_CTX* context, const PublishOptions& options, int number);

    Connection& connection() { return connection_; }
    int outstanding() const { return outstanding_; }
    uint64_t sent() const { return sent_; }
    bool has_unsent() const { return !unsent_.empty(); }
    void Add(int count);
    void Flush();
    // Reads PUBACKs, to the last; calls took(microseconds) for every 16th. How many; -1 when the broker closed.
    template <class Took>
    int ReadAcks(Took took);

  private:
    int Fill();

    Connection connection_;
    std::string packet_;
    size_t id_at_ = 0;
    size_t sequence_at_ = 0;
    size_t time_at_ = 0;
    uint16_t next_id_ = 1;
    uint64_t sent_ = 0;
    int outstanding_ = 0;
    std::string unsent_;
    std::string unread_;
    std::vector<Clock::time_point> sent_at_;  // a ring, by packet identifier
    uint32_t seen_ = 0;
};

template <class Took>
int Publisher::ReadAcks(Took took) {
    int acknowledged = 0;
    for (;;) {
        int got = Fill();
        if (got < 0) return -1;
        const auto now = Clock::now();
        size_t at = 0;
        for (; at + 4 <= unread_.size(); at += 4) {
            if (static_cast<uint8_t>(unread_[at]) != 0x40) Die("not a PUBACK");
            ++acknowledged;
            auto id = static_cast<uint16_t>(static_cast<uint8_t>(unread_[at + 2]) << 8 |
                                            static_cast<uint8_t>(unread_[at + 3]));
            if ((++seen_ & 15) != 0) continue;
            auto since = now - sent_at_[id % sent_at_.size()];
            took(static_cast<uint32_t>(std::chrono::duration_cast<std::chrono::microseconds>(since).count()));
        }
        unread_.erase(0, at);
        outstanding_ -= static_cast<int>(at / 4);
        if (got == 0) return acknowledged;
    }
}

// Prints one JSON line; "measuring" on standard error when the warm-up is over.
int Publish(const Endpoint& endpoint, const PublishOptions& options);

}  // namespace bench
