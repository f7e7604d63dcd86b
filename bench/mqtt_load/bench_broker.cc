// bench_broker: the broker alone, plain MQTT on loopback, for side-by-side measurements. With --log DIR every message
// of every client goes to a shard log, one for each I/O thread, and is acknowledged after the commit; without, nothing lasts.
//     bench_broker --threads 1 --log /tmp/x
// Prints the port.

#include <csignal>
#include <cstdio>
#include <cstring>
#include <map>
#include <string>
#include <thread>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include "env/blocking_pool.h"
#include "env/posix/posix.h"
#include "env/run_task.h"
#include "mqtt/broker.h"
#include "net/listener.h"
#include "services/iot_gateway/gateway.h"
#include "storage/shard_log/file/shard_log_store.h"

namespace wellhead {
namespace {

class Everything final : public mqtt::Permissions {
  public:
    bool MayPublish(std::string_view, bool) const override { return true; }
    bool MaySubscribe(std::string_view) const override { return true; }
    bool MayReceive(std::string_view) const override { return true; }
    std::string_view principal() const override { return ""; }
};

class AllowAll final : public mqtt::Authorizer {
  public:
    env::Task<base::Result<std::shared_ptr<const mqtt::Permissions>>> Connect(const mqtt::ConnectAttempt&) override {
        co_return all_;
    }

  private:
    std::shared_ptr<const mqtt::Permissions> all_ = std::make_shared<Everything>();
};

class LogSink final : public mqtt::PublishSink {
  public:
    explicit LogSink(std::shared_ptr<storage::ShardLog> log) : log_(std::move(log)) {}
    env::Task<std::vector<base::Result<void>>> Deliver(std::span<const mqtt::PublishedMessage> messages) override {
        std::vector<storage::NewLogRecord> records;
        records.reserve(messages.size());
        for (const auto& message : messages) records.push_back({message.client_id, message.message.payload});
        auto appended = co_await log_->Append(std::move(records));
        std::vector<base::Result<void>> results(messages.size());
        if (!appended) {
            for (auto& result : results) result = std::unexpected(appended.error());
        }
        co_return results;
    }
    bool ReservesTopic(std::string_view) const override { return false; }

  private:
    std::shared_ptr<storage::ShardLog> log_;
};

env::Task<void> OpenLog(storage::ShardLogStore& store, std::shared_ptr<storage::ShardLog>& log) {
    auto opened = co_await store.Open("bench");
    if (opened) {
        log = *opened;
    } else {
        std::fprintf(stderr, "no log: %s\n", opened.error().message.c_str());
    }
}

env::Task<void> OpenJournal(mqtt::Broker& broker, storage::ShardLogStore& store) {
    auto opened = co_await broker.Open(store);
    if (!opened) std::fprintf(stderr, "no journal: %s\n", opened.error().message.c_str());
}

env::Task<void> StopAll(net::StreamListener& listener, mqtt::Broker& broker, boost::asio::io_context& first) {
    listener.StopAccepting();
    co_await broker.Close();
    co_await listener.Stop(std::chrono::seconds(1));
    first.stop();
}

int Run(int thread_count, const std::string& directory) {
    auto clock = env::posix::MakeClock();
    auto random = env::posix::MakeRandom();
    auto files = env::posix::MakeFiles();
    env::BlockingPool writers("write", 2);
    env::BlockingPool readers("read", 1);
    std::shared_ptr<storage::ShardLog> log;
    std::unique_ptr<storage::file::FileShardLogStore> store;
    if (!directory.empty()) {
        storage::file::ShardLogStoreSettings settings;
        settings.root = directory;
        store = std::make_unique<storage::file::FileShardLogStore>(*files, *clock, *random, writers, readers, settings);
        env::RunTask(OpenLog(*store, log));
        if (!log) return 1;
    }
    std::vector<std::unique_ptr<boost::asio::io_context>> contexts;
    std::vector<env::Executor> homes;
    for (int i = 0; i < thread_count; ++i) {
        contexts.push_back(std::make_unique<boost::asio::io_context>(1));
        homes.push_back(contexts.back()->get_executor());
    }
    AllowAll authorizer;
    std::unique_ptr<LogSink> sink;
    if (log) sink = std::make_unique<LogSink>(log);
    mqtt::Broker broker({}, homes, *clock, *random, authorizer, sink.get());
    if (store) env::RunTask(OpenJournal(broker, *store));
    broker.Start();
    services::iot_gateway::Gateway gateway(broker, mqtt::Profile::Standard());
    net::ListenerOptions options;
    options.name = "bench";
    auto listener = net::StreamListener::Start(homes, options, gateway);
    if (!listener) {
        std::fprintf(stderr, "%s\n", listener.error().message.c_str());
        return 1;
    }
    std::printf("%d\n", (*listener)->port());
    std::fflush(stdout);
    env::Scope scope;
    boost::asio::signal_set signals(*contexts.front(), SIGTERM, SIGINT);
    signals.async_wait([&](auto, int) {
        env::Spawn(scope, homes.front(), "stop", StopAll(**listener, broker, *contexts.front()));
    });
    std::vector<std::thread> threads;
    std::vector<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> work;
    for (size_t i = 1; i < contexts.size(); ++i) {
        work.emplace_back(contexts[i]->get_executor());
        threads.emplace_back([&context = *contexts[i]] { context.run(); });
    }
    contexts.front()->run();
    for (auto& context : contexts) context->stop();
    for (auto& thread : threads) thread.join();
    std::_Exit(0);
}

}  // namespace
}  // namespace wellhead

int main(int argc, char** argv) {
    int threads = 1;
    std::string directory;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (std::strcmp(argv[i], "--threads") == 0) threads = std::atoi(argv[i + 1]);
        if (std::strcmp(argv[i], "--log") == 0) directory = argv[i + 1];
    }
    return wellhead::Run(threads, directory);
}
