// mqtt_load: a load generator for MQTT brokers. One thread, epoll, no library between it and the socket, so that the
// broker is what is measured.
//     mqtt_load publish --port P --clients 20 --window 100 --seconds 5
//     mqtt_load fanout  --port P --clients 1000 --seconds 5
//     mqtt_load idle    --port P --clients 9000 --seconds 60
// Prints one JSON line.

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

struct Options {
    std::string mode = "publish";
    std::string host = "127.0.0.1";
    int port = 1883;
    int clients = 20;
    int window = 100;
    int payload = 128;
    int qos = 1;
    double seconds = 5;
    double warmup = 1;
    double rate = 0;  // messages a second of all clients together; 0: as fast as the window allows
    std::string prefix = "bench";
};

[[noreturn]] void Die(const char* what) {
    std::perror(what);
    std::exit(1);
}

Options Parse(int argc, char** argv) {
    Options o;
    std::map<std::string, std::string> named;
    if (argc > 1) o.mode = argv[1];
    for (int i = 2; i + 1 < argc; i += 2) named[argv[i]] = argv[i + 1];
    auto number = [&](const char* name, auto& value) {
        if (named.contains(name)) value = static_cast<std::decay_t<decltype(value)>>(std::atof(named[name].c_str()));
    };
    number("--port", o.port);
    number("--clients", o.clients);
    number("--window", o.window);
    number("--payload", o.payload);
    number("--qos", o.qos);
    number("--seconds", o.seconds);
    number("--warmup", o.warmup);
    number("--rate", o.rate);
    if (named.contains("--host")) o.host = named["--host"];
    if (named.contains("--prefix")) o.prefix = named["--prefix"];
    return o;
}

struct Client {
    int fd = -1;
    std::string packet;   // a PUBLISH, its packet identifier patched in
    size_t id_at = 0;
    uint16_t next_id = 1;
    int outstanding = 0;
    std::string unsent;
    std::string unread;
    std::vector<Clock::time_point> sent_at;  // a ring, by packet identifier
    double allowance = 0;
};

std::string Prefixed(const std::string& text) {
    return std::string{static_cast<char>(text.size() >> 8), static_cast<char>(text.size())} + text;
}

std::string Packet(uint8_t first, const std::string& body) {
    std::string out(1, static_cast<char>(first));
    size_t left = body.size();
    do {
        uint8_t byte = left & 0x7F;
        left >>= 7;
        out.push_back(static_cast<char>(left > 0 ? byte | 0x80 : byte));
    } while (left > 0);
    return out + body;
}

int Open(const Options& o, const std::string& id) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(o.port));
    inet_pton(AF_INET, o.host.c_str(), &address.sin_addr);
    if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) Die("connect");
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    std::string connect_packet = Packet(0x10, Prefixed("MQTT") + std::string("\x04\x02\x00\x00", 4) + Prefixed(id));
    if (write(fd, connect_packet.data(), connect_packet.size()) < 0) Die("write");
    char answer[4];
    size_t got = 0;
    while (got < 4) {
        ssize_t n = read(fd, answer + got, 4 - got);
        if (n <= 0) Die("no CONNACK");
        got += static_cast<size_t>(n);
    }
    if (answer[3] != 0) Die("refused");
    return fd;
}

void SubscribeTo(int fd, const std::string& filter, int qos) {
    std::string packet = Packet(0x82, std::string("\x00\x01", 2) + Prefixed(filter) + static_cast<char>(qos));
    if (write(fd, packet.data(), packet.size()) < 0) Die("write");
    char answer[5];
    size_t got = 0;
    while (got < 5) {
        ssize_t n = read(fd, answer + got, 5 - got);
        if (n <= 0) Die("no SUBACK");
        got += static_cast<size_t>(n);
    }
}

void MakePublish(Client& client, const Options& o, const std::string& topic) {
    std::string body = Prefixed(topic);
    if (o.qos > 0) body += std::string("\0\1", 2);
    const size_t id_in_body = 2 + topic.size();
    body += std::string(static_cast<size_t>(o.payload), 'x');
    client.packet = Packet(static_cast<uint8_t>(0x30 | o.qos << 1), body);
    client.id_at = client.packet.size() - body.size() + id_in_body;
}

void NonBlocking(int fd) { fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK); }

struct Figures {
    uint64_t acknowledged = 0;
    std::vector<uint32_t> latencies_us;
    bool measuring = false;
};

void Flush(Client& client) {
    while (!client.unsent.empty()) {
        ssize_t n = write(client.fd, client.unsent.data(), client.unsent.size());
        if (n < 0 && errno == EAGAIN) return;
        if (n < 0) Die("write");
        client.unsent.erase(0, static_cast<size_t>(n));
    }
}

void SendMore(Client& client, const Options& o, int count) {
    const auto now = Clock::now();
    for (; count > 0; --count) {
        client.packet[client.id_at] = static_cast<char>(client.next_id >> 8);
        client.packet[client.id_at + 1] = static_cast<char>(client.next_id);
        client.unsent += client.packet;
        client.sent_at[client.next_id % client.sent_at.size()] = now;
        client.next_id = client.next_id == 60'000 ? uint16_t{1} : static_cast<uint16_t>(client.next_id + 1);
        ++client.outstanding;
    }
    (void)o;
    Flush(client);
}

// PUBACKs (all are four bytes). False when the broker closed.
bool ReadAcks(Client& client, Figures& figures) {
    char buffer[16 * 1024];
    ssize_t n = read(client.fd, buffer, sizeof buffer);
    if (n < 0 && errno == EAGAIN) return true;
    if (n <= 0) return false;
    client.unread.append(buffer, static_cast<size_t>(n));
    const auto now = Clock::now();
    size_t at = 0;
    for (; at + 4 <= client.unread.size(); at += 4) {
        if (static_cast<uint8_t>(client.unread[at]) != 0x40) Die("not a PUBACK");
        --client.outstanding;
        ++figures.acknowledged;
        uint16_t id = static_cast<uint16_t>(static_cast<uint8_t>(client.unread[at + 2]) << 8 |
                                            static_cast<uint8_t>(client.unread[at + 3]));
        if (figures.measuring && (figures.acknowledged & 15) == 0) {
            auto took = now - client.sent_at[id % client.sent_at.size()];
            figures.latencies_us.push_back(
                static_cast<uint32_t>(std::chrono::duration_cast<std::chrono::microseconds>(took).count()));
        }
    }
    client.unread.erase(0, at);
    return true;
}

void PrintLatencies(Figures& figures) {
    auto& l = figures.latencies_us;
    std::sort(l.begin(), l.end());
    auto at = [&](double q) { return l.empty() ? 0 : l[static_cast<size_t>(q * static_cast<double>(l.size() - 1))]; };
    std::printf("\"p50_us\": %u, \"p99_us\": %u", at(0.5), at(0.99));
}

int Publish(const Options& o) {
    int epoll = epoll_create1(0);
    std::vector<std::unique_ptr<Client>> clients;
    for (int i = 0; i < o.clients; ++i) {
        auto client = std::make_unique<Client>();
        client->fd = Open(o, o.prefix + "-" + std::to_string(i));
        NonBlocking(client->fd);
        client->sent_at.resize(4096);
        MakePublish(*client, o, o.prefix + "/device-" + std::to_string(i) + "/data");
        epoll_event event{EPOLLIN | EPOLLOUT | EPOLLET, {.ptr = client.get()}};
        epoll_ctl(epoll, EPOLL_CTL_ADD, client->fd, &event);
        clients.push_back(std::move(client));
    }
    Figures figures;
    const auto start = Clock::now();
    auto seconds_since = [](Clock::time_point t) { return std::chrono::duration<double>(Clock::now() - t).count(); };
    for (auto& client : clients) {
        if (o.rate == 0) SendMore(*client, o, o.window);
    }
    uint64_t before = 0;
    Clock::time_point measured_from = start;
    auto last_grant = start;
    size_t next_client = 0;
    double allowance = 0;
    std::vector<epoll_event> events(512);
    for (;;) {
        int n = epoll_wait(epoll, events.data(), static_cast<int>(events.size()), o.rate > 0 ? 1 : 100);
        for (int i = 0; i < n; ++i) {
            auto& client = *static_cast<Client*>(events[static_cast<size_t>(i)].data.ptr);
            Flush(client);
            const size_t unread_before = client.outstanding > 0 ? 1 : 0;
            if (unread_before > 0 && !ReadAcks(client, figures)) Die("the broker closed");
            if (o.rate == 0 && client.unsent.empty() && client.outstanding < o.window) {
                SendMore(client, o, o.window - client.outstanding);
            }
        }
        if (o.rate > 0) {
            allowance += std::chrono::duration<double>(Clock::now() - last_grant).count() * o.rate;
            last_grant = Clock::now();
            for (; allowance >= 1; allowance -= 1) {
                auto& client = *clients[next_client++ % clients.size()];
                if (client.outstanding < o.window) SendMore(client, o, 1);
            }
        }
        const double passed = seconds_since(start);
        if (!figures.measuring && passed >= o.warmup) {
            figures.measuring = true;
            measured_from = Clock::now();
            before = figures.acknowledged;
            std::fprintf(stderr, "measuring\n");
        }
        if (passed >= o.warmup + o.seconds) break;
    }
    const double took = seconds_since(measured_from);
    const auto count = figures.acknowledged - before;
    std::printf("{\"mode\": \"publish\", \"messages\": %llu, \"seconds\": %.3f, \"rate\": %.0f, ",
                static_cast<unsigned long long>(count), took, static_cast<double>(count) / took);
    PrintLatencies(figures);
    std::printf("}\n");
    return 0;
}

int FanOut(const Options& o) {
    int epoll = epoll_create1(0);
    std::vector<std::unique_ptr<Client>> clients;
    for (int i = 0; i < o.clients; ++i) {
        auto client = std::make_unique<Client>();
        client->fd = Open(o, o.prefix + "-sub-" + std::to_string(i));
        SubscribeTo(client->fd, o.prefix + "/all", 0);
        NonBlocking(client->fd);
        epoll_event event{EPOLLIN, {.ptr = client.get()}};
        epoll_ctl(epoll, EPOLL_CTL_ADD, client->fd, &event);
        clients.push_back(std::move(client));
    }
    Client publisher;
    publisher.fd = Open(o, o.prefix + "-pub");
    publisher.sent_at.resize(4096);
    Options qos0 = o;
    qos0.qos = 0;
    MakePublish(publisher, qos0, o.prefix + "/all");
    const uint64_t size = publisher.packet.size();
    uint64_t bytes = 0, published = 0, measured_bytes = 0;
    const auto start = Clock::now();
    auto measured_from = start;
    bool measuring = false;
    std::vector<epoll_event> events(512);
    std::vector<char> buffer(256 * 1024);
    for (;;) {
        // At most a few messages ahead of the slowest possible reader, so that nothing is dropped.
        while (published * static_cast<uint64_t>(o.clients) * size < bytes + 20 * static_cast<uint64_t>(o.clients) * size) {
            if (write(publisher.fd, publisher.packet.data(), publisher.packet.size()) < 0) Die("write");
            ++published;
        }
        int n = epoll_wait(epoll, events.data(), static_cast<int>(events.size()), 100);
        for (int i = 0; i < n; ++i) {
            auto& client = *static_cast<Client*>(events[static_cast<size_t>(i)].data.ptr);
            ssize_t got = read(client.fd, buffer.data(), buffer.size());
            if (got <= 0) Die("the broker closed");
            bytes += static_cast<uint64_t>(got);
        }
        const double passed = std::chrono::duration<double>(Clock::now() - start).count();
        if (!measuring && passed >= o.warmup) {
            measuring = true;
            measured_from = Clock::now();
            measured_bytes = bytes;
            std::fprintf(stderr, "measuring\n");
        }
        if (passed >= o.warmup + o.seconds) break;
    }
    const double took = std::chrono::duration<double>(Clock::now() - measured_from).count();
    const uint64_t messages = (bytes - measured_bytes) / size;
    std::printf("{\"mode\": \"fanout\", \"messages\": %llu, \"seconds\": %.3f, \"rate\": %.0f}\n",
                static_cast<unsigned long long>(messages), took, static_cast<double>(messages) / took);
    return 0;
}

int Idle(const Options& o) {
    std::vector<int> fds;
    for (int i = 0; i < o.clients; ++i) fds.push_back(Open(o, o.prefix + "-" + std::to_string(i)));
    std::printf("{\"mode\": \"idle\", \"clients\": %d}\n", o.clients);
    std::fflush(stdout);
    poll(nullptr, 0, static_cast<int>(o.seconds * 1000));
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    Options options = Parse(argc, argv);
    if (options.mode == "publish") return Publish(options);
    if (options.mode == "fanout") return FanOut(options);
    if (options.mode == "idle") return Idle(options);
    std::fprintf(stderr, "mqtt_load publish|fanout|idle [--port ...]\n");
    return 2;
}
