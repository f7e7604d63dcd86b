// http_load: sends one request again and again over a few connections, each waiting for its answer.
//     http_load --port P --connections 8 --seconds 5 --request FILE --expect '"FailedRecordCount":0'
// FILE holds the request as it goes over the wire. An answer that is not 200 or lacks the text ends the run. Prints one
// JSON line.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void Die(const std::string& what) {
    std::fprintf(stderr, "%s\n", what.c_str());
    std::exit(1);
}

class Caller {
  public:
    Caller(int port, const std::string& request, std::string expected)
        : request_(request), expected_(std::move(expected)), answer_(256 * 1024, '\0') {
        descriptor_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(static_cast<uint16_t>(port));
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (::connect(descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) Die("connect");
        const int on = 1;
        ::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    int descriptor() const { return descriptor_; }

    void Begin() {
        begun_ = Clock::now();
        sent_ = received_ = 0;
        whole_ = 0;
        Write();
    }
    void Write() {
        while (sent_ < request_.size()) {
            ssize_t put = ::send(descriptor_, request_.data() + sent_, request_.size() - sent_, MSG_DONTWAIT);
            if (put < 0 && errno == EAGAIN) return;
            if (put < 0) Die("the server closed");
            sent_ += static_cast<size_t>(put);
        }
    }
    // True when the answer is whole.
    bool Read() {
        for (;;) {
            if (received_ == answer_.size()) answer_.resize(answer_.size() * 2);
            ssize_t got = ::recv(descriptor_, answer_.data() + received_, answer_.size() - received_, MSG_DONTWAIT);
            if (got < 0 && errno == EAGAIN) return false;
            if (got <= 0) Die("the server closed");
            received_ += static_cast<size_t>(got);
            if (whole_ == 0) FindSize();
            if (whole_ > 0 && received_ >= whole_) break;
        }
        std::string_view text(answer_.data(), whole_);
        if (!text.starts_with("HTTP/1.1 200") || text.find(expected_) == std::string_view::npos) {
            Die(std::string(text.substr(0, 600)));
        }
        return true;
    }
    double took_us() const { return std::chrono::duration<double, std::micro>(Clock::now() - begun_).count(); }

  private:
    void FindSize() {
        std::string_view text(answer_.data(), received_);
        size_t end = text.find("\r\n\r\n");
        if (end == std::string_view::npos) return;
        std::string head(text.substr(0, end + 2));
        std::transform(head.begin(), head.end(), head.begin(), [](unsigned char c) { return std::tolower(c); });
        size_t at = head.find("\r\ncontent-length:");
        if (at == std::string::npos) Die("an answer without a length: " + head);
        whole_ = end + 4 + std::strtoul(head.c_str() + at + 17, nullptr, 10);
    }

    const std::string& request_;
    const std::string expected_;
    int descriptor_ = -1;
    std::string answer_;
    size_t sent_ = 0, received_ = 0, whole_ = 0;
    Clock::time_point begun_;
};

int Run(std::map<std::string, std::string> named) {
    auto number = [&](const char* name, double other) {
        return named.contains(name) ? std::atof(named[name].c_str()) : other;
    };
    std::ifstream file(named["--request"], std::ios::binary);
    std::ostringstream whole;
    whole << file.rdbuf();
    const std::string request = whole.str();
    if (request.empty()) Die("no --request");
    const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
    std::vector<std::unique_ptr<Caller>> callers;
    for (int i = 0; i < static_cast<int>(number("--connections", 8)); ++i) {
        auto& caller = callers.emplace_back(
            std::make_unique<Caller>(static_cast<int>(number("--port", 80)), request, named["--expect"]));
        epoll_event event{};
        event.events = EPOLLIN | EPOLLOUT | EPOLLET;
        event.data.ptr = caller.get();
        ::epoll_ctl(epoll, EPOLL_CTL_ADD, caller->descriptor(), &event);
    }
    for (auto& caller : callers) caller->Begin();
    const double warmup = number("--warmup", 1), seconds = number("--seconds", 5);
    const auto start = Clock::now();
    auto measured_from = start;
    bool measuring = false;
    std::vector<double> times;
    std::vector<epoll_event> events(64);
    for (;;) {
        int count = ::epoll_wait(epoll, events.data(), static_cast<int>(events.size()), 100);
        for (int i = 0; i < count; ++i) {
            auto& caller = *static_cast<Caller*>(events[static_cast<size_t>(i)].data.ptr);
            caller.Write();
            if (!caller.Read()) continue;
            times.push_back(caller.took_us());
            caller.Begin();
        }
        const double passed = std::chrono::duration<double>(Clock::now() - start).count();
        if (!measuring && passed >= warmup) {
            measuring = true;
            measured_from = Clock::now();
            times.clear();
            std::fprintf(stderr, "measuring\n");
        }
        if (passed >= warmup + seconds) break;
    }
    const double took = std::chrono::duration<double>(Clock::now() - measured_from).count();
    std::sort(times.begin(), times.end());
    auto at = [&](double q) { return times.empty() ? 0.0 : times[static_cast<size_t>(q * static_cast<double>(times.size() - 1))]; };
    std::printf("{\"messages\": %zu, \"seconds\": %.3f, \"rate\": %.1f, \"p50_us\": %.0f, \"p99_us\": %.0f}\n",
                times.size(), took, static_cast<double>(times.size()) / took, at(0.5), at(0.99));
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    std::map<std::string, std::string> named;
    for (int i = 1; i + 1 < argc; i += 2) named[argv[i]] = argv[i + 1];
    return Run(std::move(named));
}
