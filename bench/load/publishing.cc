#include "load/publishing.h"

#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <memory>

namespace bench {

namespace {

constexpr uint64_t kFirstSequence = 1'000'000'000;  // ten digits, without a leading zero
constexpr size_t kReadBytes = 16 * 1024;

std::string Device(int number) {
    char text[16];
    std::snprintf(text, sizeof text, "d%05d", number);
    return text;
}

void PutDigits(char* at, int count, uint64_t value) {
    for (int i = count - 1; i >= 0; --i) {
        at[i] = static_cast<char>('0' + value % 10);
        value /= 10;
    }
}

uint64_t MicrosecondsSince1970() {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    return static_cast<uint64_t>(now.tv_sec) * 1'000'000 + static_cast<uint64_t>(now.tv_nsec) / 1000;
}

}  // namespace

Publisher::Publisher(const Endpoint& endpoint, SSL_CTX* context, const PublishOptions& options, int number)
    : connection_(endpoint, context, Device(number)), sent_at_(options.window > 256 ? 4096 : 256) {
    std::string topic = options.topic;
    if (size_t hole = topic.find("{}"); hole != std::string::npos) topic.replace(hole, 2, Device(number));
    std::string reading = "{\"device\":\"" + Device(number) + "\",\"seq\":1000000000,\"sent\":1000000000000000,\"pad\":\"";
    const size_t end = static_cast<size_t>(options.payload) - 2;
    if (reading.size() < end) reading.append(end - reading.size(), 'x');
    reading += "\"}";
    std::string body = Prefixed(topic) + std::string("\0\1", 2) + reading;
    packet_ = Packet(0x32, body);
    const size_t body_at = packet_.size() - body.size();
    id_at_ = body_at + 2 + topic.size();
    sequence_at_ = packet_.find("\"seq\":", body_at) + 6;
    time_at_ = packet_.find("\"sent\":", body_at) + 7;
    connection_.StopBlocking();
}

void Publisher::Add(int count) {
    const auto now = Clock::now();
    PutDigits(packet_.data() + time_at_, 16, MicrosecondsSince1970());
    for (; count > 0; --count) {
        packet_[id_at_] = static_cast<char>(next_id_ >> 8);
        packet_[id_at_ + 1] = static_cast<char>(next_id_);
        PutDigits(packet_.data() + sequence_at_, 10, kFirstSequence + sent_++);
        unsent_ += packet_;
        sent_at_[next_id_ % sent_at_.size()] = now;
        next_id_ = next_id_ == 61'440 ? uint16_t{1} : static_cast<uint16_t>(next_id_ + 1);
        ++outstanding_;
    }
    Flush();
}

void Publisher::Flush() {
    size_t done = 0;
    while (done < unsent_.size()) {
        ssize_t put = connection_.Write(unsent_.data() + done, unsent_.size() - done);
        if (put < 0 && errno == EAGAIN) break;
        if (put < 0) Die("write");
        done += static_cast<size_t>(put);
    }
    unsent_.erase(0, done);
}

// 0: nothing more is there now. -1: the broker closed.
int Publisher::Fill() {
    char buffer[kReadBytes];
    ssize_t got = connection_.Read(buffer, sizeof buffer);
    if (got < 0 && errno == EAGAIN) return 0;
    if (got <= 0) return -1;
    unread_.append(buffer, static_cast<size_t>(got));
    // A short read has emptied a plain socket. TLS gives one record at a time.
    return static_cast<size_t>(got) < sizeof buffer && !connection_.tls() ? 0 : 1;
}

namespace {

class Run {
  public:
    Run(const Endpoint& endpoint, const PublishOptions& options) : options_(options), context_(MakeContext(endpoint)) {
        epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
        for (int i = 0; i < options.clients; ++i) {
            auto& publisher = publishers_.emplace_back(
                std::make_unique<Publisher>(endpoint, context_.get(), options, i));
            epoll_event event{};
            event.events = EPOLLIN | EPOLLOUT | EPOLLET;
            event.data.ptr = publisher.get();
            ::epoll_ctl(epoll_, EPOLL_CTL_ADD, publisher->connection().descriptor(), &event);
        }
    }

    int Go() {
        const auto start = Clock::now();
        auto passed = [](Clock::time_point since) { return std::chrono::duration<double>(Clock::now() - since).count(); };
        if (options_.rate == 0) {
            for (auto& publisher : publishers_) publisher->Add(options_.window);
        }
        granted_at_ = Clock::now();
        while (passed(start) < options_.warmup) Turn(true);
        std::fprintf(stderr, "measuring\n");
        const auto measured_from = Clock::now();
        const uint64_t before = acknowledged_;
        latencies_.clear();
        while (passed(measured_from) < options_.seconds) Turn(true);
        const double took = passed(measured_from);
        const uint64_t count = acknowledged_ - before;
        std::vector<uint32_t> latencies = latencies_;
        // What is under way is waited for: the sums below are compared with what arrived.
        const auto end = Clock::now();
        while (acknowledged_ < Sent() && passed(end) < 30) Turn(false);
        std::sort(latencies.begin(), latencies.end());
        auto at = [&](double q) {
            return latencies.empty() ? 0 : latencies[static_cast<size_t>(q * static_cast<double>(latencies.size() - 1))];
        };
        std::printf("{\"messages\": %llu, \"seconds\": %.3f, \"rate\": %.0f, \"p50_us\": %u, \"p99_us\": %u, "
                    "\"p999_us\": %u, \"sent\": %llu, \"acknowledged\": %llu}\n",
                    static_cast<unsigned long long>(count), took, static_cast<double>(count) / took, at(0.5), at(0.99),
                    at(0.999), static_cast<unsigned long long>(Sent()),
                    static_cast<unsigned long long>(acknowledged_));
        return 0;
    }

  private:
    uint64_t Sent() const {
        uint64_t sent = 0;
        for (const auto& publisher : publishers_) sent += publisher->sent();
        return sent;
    }

    void Turn(bool sending) {
        timespec wait{0, options_.rate > 0 ? 100'000 : 100'000'000};
        int count = ::epoll_pwait2(epoll_, events_.data(), static_cast<int>(events_.size()), &wait, nullptr);
        for (int i = 0; i < count; ++i) {
            auto& publisher = *static_cast<Publisher*>(events_[static_cast<size_t>(i)].data.ptr);
            if (publisher.has_unsent()) publisher.Flush();
            int acknowledged = publisher.ReadAcks([this](uint32_t took) { latencies_.push_back(took); });
            if (acknowledged < 0) Die("the broker closed");
            acknowledged_ += static_cast<uint64_t>(acknowledged);
            if (sending && options_.rate == 0 && !publisher.has_unsent() && publisher.outstanding() < options_.window) {
                publisher.Add(options_.window - publisher.outstanding());
            }
        }
        if (sending && options_.rate > 0) Grant();
    }

    void Grant() {
        const auto now = Clock::now();
        allowance_ += std::chrono::duration<double>(now - granted_at_).count() * options_.rate;
        granted_at_ = now;
        // A device that may not send now leaves its turn to the next; what nobody can send is not made up for later.
        size_t skipped = 0;
        while (allowance_ >= 1 && skipped < publishers_.size()) {
            auto& publisher = *publishers_[next_++ % publishers_.size()];
            if (publisher.outstanding() >= options_.window) {
                ++skipped;
                continue;
            }
            publisher.Add(1);
            allowance_ -= 1;
            skipped = 0;
        }
        allowance_ = std::min(allowance_, options_.rate / 100);
    }

    const PublishOptions options_;
    TlsContext context_;
    int epoll_ = -1;
    std::vector<std::unique_ptr<Publisher>> publishers_;
    std::vector<epoll_event> events_{1024};
    std::vector<uint32_t> latencies_;
    uint64_t acknowledged_ = 0;
    Clock::time_point granted_at_;
    double allowance_ = 0;
    size_t next_ = 0;
};

}  // namespace

int Publish(const Endpoint& endpoint, const PublishOptions& options) { return Run(endpoint, options).Go(); }

}  // namespace bench
