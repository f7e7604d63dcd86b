#include "simulator/simulate.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstdio>

#include "base/log.h"
#include "codec/mqtt/decode.h"
#include "codec/mqtt/encode.h"
#include "env/deadline.h"
#include "env/scope.h"
#include "net/connect.h"
#include "net/tls.h"
#include "simulator/registration.h"
#include "simulator/well.h"

namespace wellhead::simulator {

namespace mqtt = codec::mqtt;

namespace {

constexpr uint16_t kKeepAliveS = 60;
constexpr base::Duration kAnswerLimit = std::chrono::seconds(20);

struct Tally {
    std::atomic<uint64_t> published{0};
    std::atomic<uint64_t> acknowledged{0};
    std::atomic<uint64_t> latency_us{0};  // sum since the last line
    std::atomic<uint64_t> slowest_us{0};
    std::atomic<uint64_t> samples{0};
    std::atomic<int> connected{0};
};

struct Player {
    const SimulateSettings* settings;
    env::Clock* clock;
    Tally* tally;
    std::string name;
    std::string topic;
    std::shared_ptr<const net::TlsContext> tls;
    Well well;
    uint16_t packet_id = 0;
};

// Reads until a packet of this type has come.
env::Task<base::Result<base::Bytes>> Await(net::Stream& stream, base::Bytes& unread, mqtt::PacketType type) {
    char buffer[512];
    stream.LimitRead(kAnswerLimit);
    for (;;) {
        auto header = mqtt::DecodeFixedHeader(unread);
        if (!header) co_return base::Fail(base::ErrorCode::kCorrupt, header.error().what);
        if (header->size > 0 && unread.size() >= header->size + header->remaining) {
            base::Bytes body = unread.substr(header->size, header->remaining);
            unread.erase(0, header->size + header->remaining);
            if (header->type == type) co_return body;
            continue;
        }
        auto size = co_await net::ReadSome(stream, buffer);
        if (!size) co_return std::unexpected(std::move(size).error());
        if (*size == 0) co_return base::Fail(base::ErrorCode::kUnavailable, "the server closed the connection");
        unread.append(buffer, *size);
    }
}

env::Task<base::Result<void>> SayHello(Player& player, net::Stream& stream, base::Bytes& unread) {
    mqtt::Connect connect;
    connect.client_id = player.name;
    connect.keep_alive_s = kKeepAliveS;
    base::Bytes packet;
    mqtt::AppendConnect(packet, connect);
    auto written = co_await net::Write(stream, packet);
    if (!written) co_return written;
    auto body = co_await Await(stream, unread, mqtt::PacketType::kConnack);
    if (!body) co_return std::unexpected(std::move(body).error());
    mqtt::Connack connack;
    auto read = mqtt::DecodeConnack(*body, mqtt::Version::k311, connack);
    if (!read || connack.reason != mqtt::ReasonCode::kSuccess) {
        co_return base::Fail(base::ErrorCode::kPermission, "the server refused the connection");
    }
    co_return base::Result<void>();
}

env::Task<base::Result<void>> PublishReading(Player& player, net::Stream& stream, base::Bytes& unread,
                                             double elapsed_s) {
    const Reading reading = player.well.Next(elapsed_s);
    const std::string payload = TelemetryJson(player.name, base::ToUnixMs(player.clock->Now()),
                                              reading.barrels_per_second, reading.reservoir_pressure);
    player.packet_id = player.packet_id == 65535 ? uint16_t{1} : static_cast<uint16_t>(player.packet_id + 1);
    mqtt::Publish publish;
    publish.qos = 1;
    publish.packet_id = player.packet_id;
    publish.topic = player.topic;
    publish.payload = payload;
    base::Bytes packet;
    mqtt::AppendPublish(packet, mqtt::Version::k311, publish);
    const base::Tick sent = player.clock->Ticks();
    auto written = co_await net::Write(stream, packet);
    if (!written) co_return written;
    ++player.tally->published;
    auto ack = co_await Await(stream, unread, mqtt::PacketType::kPuback);
    if (!ack) co_return std::unexpected(std::move(ack).error());
    const auto took = static_cast<uint64_t>((player.clock->Ticks() - sent).count());
    ++player.tally->acknowledged;
    ++player.tally->samples;
    player.tally->latency_us += took;
    player.tally->slowest_us = std::max(player.tally->slowest_us.load(), took);
    co_return base::Result<void>();
}

// One connection, until it breaks.
env::Task<base::Result<void>> Play(Player& player) {
    net::ConnectOptions options;
    options.host = player.settings->mqtt_host;
    options.port = player.settings->mqtt_port;
    options.tls = player.tls;
    auto stream = co_await net::Connect(std::move(options));
    if (!stream) co_return std::unexpected(std::move(stream).error());
    base::Bytes unread;
    auto hello = co_await SayHello(player, **stream, unread);
    if (!hello) co_return hello;
    ++player.tally->connected;
    const auto period = base::Duration(static_cast<int64_t>(1e6 / player.settings->rate_hz));
    base::Tick due = player.clock->Ticks();
    base::Result<void> published;
    while (published) {
        published = co_await PublishReading(player, **stream, unread, 1 / player.settings->rate_hz);
        due += period;
        const base::Tick now = player.clock->Ticks();
        if (due < now) due = now;  // the server is slower than the rate: no backlog
        if (published && due > now) co_await env::Sleep(due - now);
    }
    --player.tally->connected;
    co_return published;
}

env::Task<void> RunWell(std::unique_ptr<Player> player, base::Duration start_after) {
    co_await env::Sleep(start_after);
    base::Duration backoff = std::chrono::milliseconds(200);
    for (;;) {
        const uint64_t before = player->tally->acknowledged;
        auto ended = co_await Play(*player);
        if (!ended) base::LogWarning("simulator", "{}: {}", player->name, ended.error().message);
        if (player->tally->acknowledged != before) backoff = std::chrono::milliseconds(200);
        co_await env::Sleep(backoff);
        backoff = std::min<base::Duration>(backoff * 2, std::chrono::seconds(10));
    }
}

void PrintLine(Tally& tally) {
    const uint64_t samples = tally.samples.exchange(0);
    const uint64_t sum = tally.latency_us.exchange(0);
    fmt::print("{} wells connected, {} published, {} acknowledged, latency mean {:.1f} ms, slowest {:.1f} ms\n",
               tally.connected.load(), tally.published.load(), tally.acknowledged.load(),
               samples == 0 ? 0.0 : static_cast<double>(sum) / static_cast<double>(samples) / 1000,
               static_cast<double>(tally.slowest_us.exchange(0)) / 1000);
    std::fflush(stdout);
}

env::Task<base::Result<std::unique_ptr<Player>>> MakePlayer(const SimulateSettings& settings, Registration& registration,
                                                            env::Clock& clock, Tally& tally, int number) {
    const int digits = settings.wells > 99 ? 5 : 2;
    std::string name = fmt::format("well-{:0{}}", number, digits);
    auto identity = co_await registration.Register(name);
    if (!identity) co_return std::unexpected(std::move(identity).error());
    net::TlsClientOptions options;
    options.authorities_pem = settings.authorities_pem;
    options.identity = {identity->certificate_pem, identity->private_key_pem};
    auto tls = net::TlsContext::MakeClient(options);
    if (!tls) co_return std::unexpected(std::move(tls).error());
    WellSettings well;
    well.seed = settings.seed * 1'000'003 + static_cast<uint64_t>(number);
    well.outlier_probability = settings.outliers;
    std::string topic = settings.topic;
    if (size_t at = topic.find("{}"); at != std::string::npos) topic.replace(at, 2, name);
    co_return std::unique_ptr<Player>(
        new Player{&settings, &clock, &tally, name, topic, std::move(*tls), Well(well), uint16_t{0}});
}

}  // namespace

std::string TelemetryJson(std::string_view well, int64_t unix_ms, double barrels_per_second, double pressure) {
    return fmt::format(
        R"({{"timestamp": {}.{:03}, "well": "{}", "barrels_per_second": {:.4f}, "reservoir_pressure_per_second": {:.4f}}})",
        unix_ms / 1000, unix_ms % 1000, well, barrels_per_second, pressure);
}

env::Task<int> Simulate(SimulateSettings settings, api::Transport& transport, env::Clock& clock, env::Random&,
                        env::Files& files, std::vector<env::Executor> executors) {
    RegistrationSettings registered;
    registered.directory = settings.directory;
    registered.thing_type = settings.thing_type;
    registered.policy = settings.policy;
    registered.topic_prefix = settings.topic.substr(0, settings.topic.find("{}"));
    Registration registration(transport, files, registered);
    auto prepared = co_await registration.Prepare();
    if (!prepared) {
        base::LogError("simulator", "cannot register wells: {}", prepared.error().message);
        co_return 1;
    }
    Tally tally;
    env::Scope scope;
    for (int number = 1; number <= settings.wells; ++number) {
        auto player = co_await MakePlayer(settings, registration, clock, tally, number);
        if (!player) {
            base::LogError("simulator", "cannot register well {}: {}", number, player.error().message);
            co_await scope.Close();
            co_return 1;
        }
        // Spread over a period, so that readings do not all come at once.
        const auto spread = base::Duration(static_cast<int64_t>(1e6 / settings.rate_hz * (number % 100) / 100));
        env::Spawn(scope, executors[static_cast<size_t>(number) % executors.size()], "well",
                   RunWell(std::move(*player), spread));
    }
    const base::Tick start = clock.Ticks();
    co_await boost::asio::this_coro::throw_if_cancelled(false);
    for (;;) {
        co_await env::Sleep(std::chrono::seconds(1));
        PrintLine(tally);
        auto cancellation = co_await boost::asio::this_coro::cancellation_state;
        if (cancellation.cancelled() != boost::asio::cancellation_type::none) break;
        const double passed = std::chrono::duration<double>(clock.Ticks() - start).count();
        if (settings.duration_s > 0 && passed >= settings.duration_s) break;
    }
    co_await scope.Close();
    co_return 0;
}

}  // namespace wellhead::simulator
