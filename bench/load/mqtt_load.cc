// mqtt_load: a load generator for MQTT brokers.
//     mqtt_load publish  --port P --clients 20 --window 100 --seconds 5
//     mqtt_load fanout   --port P --clients 1000 --seconds 5
//     mqtt_load idle     --port P --clients 9000           (until its standard input ends)
//     mqtt_load connects --port P --clients 4 --seconds 5 --resume 1
// With --cert, --key and --ca over mutual TLS. Prints one JSON line.

#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "load/connection.h"
#include "load/publishing.h"

namespace bench {
namespace {

struct Options {
    std::string mode;
    Endpoint endpoint;
    PublishOptions publish;
    bool resume = false;
};

Options Parse(int argc, char** argv) {
    Options o;
    std::map<std::string, std::string> named;
    if (argc > 1) o.mode = argv[1];
    for (int i = 2; i + 1 < argc; i += 2) named[argv[i]] = argv[i + 1];
    auto number = [&](const char* name, auto& value) {
        if (named.contains(name)) value = static_cast<std::decay_t<decltype(value)>>(std::atof(named[name].c_str()));
    };
    auto text = [&](const char* name, std::string& value) {
        if (named.contains(name)) value = named[name];
    };
    number("--port", o.endpoint.port);
    text("--host", o.endpoint.host);
    text("--cert", o.endpoint.certificate);
    text("--key", o.endpoint.key);
    text("--ca", o.endpoint.authority);
    number("--clients", o.publish.clients);
    number("--window", o.publish.window);
    number("--payload", o.publish.payload);
    number("--seconds", o.publish.seconds);
    number("--warmup", o.publish.warmup);
    number("--rate", o.publish.rate);
    text("--topic", o.publish.topic);
    number("--resume", o.resume);
    return o;
}

void Subscribe(Connection& connection, const std::string& filter) {
    connection.WriteAll(Packet(0x82, std::string("\x00\x01", 2) + Prefixed(filter) + '\0'));
    char answer[5];
    connection.ReadAll(answer, sizeof answer);
    if (answer[4] != 0) Die("subscription refused");
}

int FanOut(const Options& o) {
    TlsContext context = MakeContext(o.endpoint);
    int epoll = ::epoll_create1(EPOLL_CLOEXEC);
    std::vector<std::unique_ptr<Connection>> subscribers;
    for (int i = 0; i < o.publish.clients; ++i) {
        auto& subscriber = subscribers.emplace_back(
            std::make_unique<Connection>(o.endpoint, context.get(), "sub-" + std::to_string(i)));
        Subscribe(*subscriber, "bench/all");
        subscriber->StopBlocking();
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.ptr = subscriber.get();
        ::epoll_ctl(epoll, EPOLL_CTL_ADD, subscriber->descriptor(), &event);
    }
    Connection publisher(o.endpoint, context.get(), "pub");
    const std::string packet =
        Packet(0x30, Prefixed("bench/all") + std::string(static_cast<size_t>(o.publish.payload), 'x'));
    const uint64_t round = packet.size() * static_cast<uint64_t>(o.publish.clients);
    uint64_t bytes = 0, published = 0, measured_bytes = 0;
    const auto start = Clock::now();
    auto measured_from = start;
    bool measuring = false;
    std::vector<epoll_event> events(512);
    std::vector<char> buffer(256 * 1024);
    for (;;) {
        // At most a few messages ahead of the readers, so that nothing is dropped.
        while (published * round < bytes + 20 * round) {
            publisher.WriteAll(packet);
            ++published;
        }
        int count = ::epoll_wait(epoll, events.data(), static_cast<int>(events.size()), 100);
        for (int i = 0; i < count; ++i) {
            auto& subscriber = *static_cast<Connection*>(events[static_cast<size_t>(i)].data.ptr);
            ssize_t got = subscriber.Read(buffer.data(), buffer.size());
            if (got == 0) Die("the broker closed");
            if (got > 0) bytes += static_cast<uint64_t>(got);
        }
        const double passed = std::chrono::duration<double>(Clock::now() - start).count();
        if (!measuring && passed >= o.publish.warmup) {
            measuring = true;
            measured_from = Clock::now();
            measured_bytes = bytes;
            std::fprintf(stderr, "measuring\n");
        }
        if (passed >= o.publish.warmup + o.publish.seconds) break;
    }
    const double took = std::chrono::duration<double>(Clock::now() - measured_from).count();
    const uint64_t messages = (bytes - measured_bytes) / packet.size();
    std::printf("{\"messages\": %llu, \"seconds\": %.3f, \"rate\": %.0f}\n", static_cast<unsigned long long>(messages),
                took, static_cast<double>(messages) / took);
    return 0;
}

int Idle(const Options& o) {
    TlsContext context = MakeContext(o.endpoint);
    std::vector<std::unique_ptr<Connection>> connections;
    for (int i = 0; i < o.publish.clients; ++i) {
        connections.push_back(std::make_unique<Connection>(o.endpoint, context.get(), "idle-" + std::to_string(i)));
    }
    std::printf("{\"clients\": %d}\n", o.publish.clients);
    std::fflush(stdout);
    char byte = 0;
    while (::read(0, &byte, 1) > 0) {
    }
    return 0;
}

// Connects, reads the CONNACK, leaves; again and again, from a few threads.
int Connects(const Options& o) {
    TlsContext context = MakeContext(o.endpoint);
    std::atomic<uint64_t> made{0};
    std::atomic<uint64_t> resumed{0};
    std::atomic<bool> stop{false};
    std::vector<std::thread> threads;
    for (int i = 0; i < o.publish.clients; ++i) {
        threads.emplace_back([&, i] {
            TlsSession session;
            while (!stop) {
                Connection connection(o.endpoint, context.get(), "connects-" + std::to_string(i),
                                      o.resume ? &session : nullptr);
                connection.WriteAll(std::string("\xE0\0", 2));
                if (connection.resumed()) ++resumed;
                ++made;
            }
        });
    }
    auto pass = [](double seconds) { ::poll(nullptr, 0, static_cast<int>(seconds * 1000)); };
    pass(o.publish.warmup);
    std::fprintf(stderr, "measuring\n");
    const auto start = Clock::now();
    const uint64_t before = made;
    const uint64_t resumed_before = resumed;
    pass(o.publish.seconds);
    const uint64_t count = made - before;
    const uint64_t resumed_count = resumed - resumed_before;
    const double took = std::chrono::duration<double>(Clock::now() - start).count();
    stop = true;
    for (auto& thread : threads) thread.join();
    std::printf("{\"messages\": %llu, \"seconds\": %.3f, \"rate\": %.1f, \"resumed\": %llu}\n",
                static_cast<unsigned long long>(count), took, static_cast<double>(count) / took,
                static_cast<unsigned long long>(resumed_count));
    return 0;
}

int Main(int argc, char** argv) {
    Options options = Parse(argc, argv);
    if (options.mode == "publish") return Publish(options.endpoint, options.publish);
    if (options.mode == "fanout") return FanOut(options);
    if (options.mode == "idle") return Idle(options);
    if (options.mode == "connects") return Connects(options);
    std::fprintf(stderr, "mqtt_load publish|fanout|idle|connects [--port ...]\n");
    return 2;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) { return bench::Main(argc, argv); }
