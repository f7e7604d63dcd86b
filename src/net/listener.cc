#include "net/listener.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <list>
#include <mutex>

#include "base/check.h"
#include "base/log.h"
#include "env/deadline.h"
#include "env/scope.h"
#include "net/tls_stream.h"

namespace wellhead::net {

namespace asio = boost::asio;
using asio::ip::tcp;
using base::Result;

// One executor's share. Touched there only.
struct ListenerWorker {
    explicit ListenerWorker(env::Executor home) : executor(std::move(home)) {}
    const env::Executor executor;
    std::list<SocketStream*> handshakes;  // oldest first
};

struct StreamListener::State : std::enable_shared_from_this<State> {
    State(std::vector<env::Executor> executors, ListenerOptions listener_options, StreamHandler& stream_handler)
        : options(std::move(listener_options)),
          handler(stream_handler),
          tls(options.tls),
          acceptor(executors.front()) {
        for (auto& executor : executors) workers.emplace_back(executor);
        next_worker = workers.begin();
    }

    Result<void> Listen();
    env::Task<void> Accept(std::shared_ptr<State> self);
    bool AcceptSome(std::shared_ptr<State> self);
    env::Task<void> Serve(std::shared_ptr<State> self, ListenerWorker& worker, int descriptor, PeerAddress peer);
    env::Task<std::unique_ptr<Stream>> Secure(ListenerWorker& worker, std::unique_ptr<SocketStream> socket);
    env::Task<Result<bool>> WantsTls(SocketStream& socket);
    std::shared_ptr<const TlsContext> Tls() const {
        std::lock_guard lock(tls_mutex);
        return tls;
    }

    const ListenerOptions options;
    StreamHandler& handler;
    mutable std::mutex tls_mutex;
    std::shared_ptr<const TlsContext> tls;
    tcp::acceptor acceptor;
    std::list<ListenerWorker> workers;
    std::list<ListenerWorker>::iterator next_worker;
    std::atomic<size_t> connections{0};
    uint16_t port = 0;
    env::Scope accepting;
    env::Scope serving;
};

Result<void> StreamListener::State::Listen() {
    boost::system::error_code error;
    auto address = asio::ip::make_address(options.address, error);
    if (error) {
        return base::Fail(base::ErrorCode::kInvalidArgument,
                          fmt::format("{}: bad address {}", options.name, options.address));
    }
    tcp::endpoint endpoint(address, options.port);
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.native_non_blocking(true, error);
    if (!error) acceptor.listen(options.backlog, error);
    if (!error) port = acceptor.local_endpoint(error).port();
    if (error) {
        return base::Fail(base::ErrorCode::kUnavailable, fmt::format("{}: cannot listen on {}:{}: {}", options.name,
                                                                     options.address, options.port, error.message()));
    }
    return {};
}

namespace {

// At most this many connections in a row, then the others' turn.
constexpr int kAcceptsInARow = 64;

PeerAddress PeerOf(const sockaddr_storage& from) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (from.ss_family == AF_INET) {
        const auto& v4 = reinterpret_cast<const sockaddr_in&>(from);
        ::inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
        return {text.data(), ntohs(v4.sin_port)};
    }
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(from);
    boost::asio::ip::address_v6::bytes_type bytes;
    std::copy(std::begin(v6.sin6_addr.s6_addr), std::end(v6.sin6_addr.s6_addr), bytes.begin());
    return {boost::asio::ip::address_v6(bytes, v6.sin6_scope_id).to_string(), ntohs(v6.sin6_port)};
}

}  // namespace

// Apart from Serve, whose frame lives as long as the connection.
static std::unique_ptr<SocketStream> MakeStream(const ListenerWorker& worker, int descriptor, PeerAddress peer) {
    StreamOrigin origin;
    origin.peer = std::move(peer);
    return std::make_unique<SocketStream>(worker.executor, descriptor, std::move(origin));
}

// False: not now, though there are more: out of descriptors or memory.
bool StreamListener::State::AcceptSome(std::shared_ptr<State> self) {
    for (int i = 0; i < kAcceptsInARow; ++i) {
        sockaddr_storage from{};
        socklen_t size = sizeof from;
        int descriptor = ::accept4(acceptor.native_handle(), reinterpret_cast<sockaddr*>(&from), &size,
                                   SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (descriptor < 0) {
            if (errno == EAGAIN || errno == EWOULDBLOCK) return true;
            if (errno == EINTR || errno == ECONNABORTED) continue;
            base::LogWarning("net", "{}: accept: {}", options.name, std::strerror(errno));
            return false;
        }
        if (connections.load(std::memory_order_relaxed) >= options.max_connections) {
            ::close(descriptor);
            continue;
        }
        connections.fetch_add(1, std::memory_order_relaxed);
        env::Spawn(serving, next_worker->executor, options.name, Serve(self, *next_worker, descriptor, PeerOf(from)));
        if (++next_worker == workers.end()) next_worker = workers.begin();
    }
    return true;
}

env::Task<void> StreamListener::State::Accept(std::shared_ptr<State> self) {
    while (acceptor.is_open()) {
        auto [error] = co_await acceptor.async_wait(tcp::acceptor::wait_read, asio::as_tuple(asio::use_awaitable));
        if (error) co_return;
        // The listen queue keeps the others until there are descriptors again.
        if (!AcceptSome(self)) co_await env::Sleep(std::chrono::milliseconds(100));
    }
}

namespace {

class CountDown {
  public:
    explicit CountDown(std::atomic<size_t>& count) : count_(count) {}
    ~CountDown() { count_.fetch_sub(1, std::memory_order_relaxed); }
    CountDown(const CountDown&) = delete;
    CountDown& operator=(const CountDown&) = delete;

  private:
    std::atomic<size_t>& count_;
};

// A place in the list of half-done handshakes.
class HandshakePlace {
  public:
    HandshakePlace(std::list<SocketStream*>& list, SocketStream* socket)
        : list_(list), place_(list.insert(list.end(), socket)) {}
    ~HandshakePlace() { list_.erase(place_); }
    HandshakePlace(const HandshakePlace&) = delete;
    HandshakePlace& operator=(const HandshakePlace&) = delete;

  private:
    std::list<SocketStream*>& list_;
    std::list<SocketStream*>::iterator place_;
};

}  // namespace

env::Task<void> StreamListener::State::Serve(std::shared_ptr<State> self, ListenerWorker& worker,
                                             int descriptor, PeerAddress peer) {
    CountDown count(self->connections);
    auto plain = MakeStream(worker, descriptor, std::move(peer));
    auto stream = co_await Secure(worker, std::move(plain));
    if (!stream) co_return;
    co_await handler.Serve(*stream);
    stream->Close();
}

env::Task<Result<bool>> StreamListener::State::WantsTls(SocketStream& socket) {
    if (options.security != ListenerOptions::Security::kByFirstByte) {
        co_return options.security == ListenerOptions::Security::kTls;
    }
    CO_ASSIGN_OR_RETURN(unsigned char first, co_await socket.PeekByte());
    co_return first == 0x16;
}

env::Task<std::unique_ptr<Stream>> StreamListener::State::Secure(ListenerWorker& worker,
                                                                 std::unique_ptr<SocketStream> socket) {
    if (worker.handshakes.size() >= std::max<size_t>(1, options.max_handshakes / workers.size())) {
        SocketStream* oldest = worker.handshakes.front();
        oldest->Close();
    }
    SocketStream& raw = *socket;
    raw.LimitRead(options.handshake_limit);
    raw.LimitWrite(options.handshake_limit);
    std::unique_ptr<Stream> stream;
    {
        HandshakePlace place(worker.handshakes, &raw);
        auto wants_tls = co_await WantsTls(raw);
        if (!wants_tls) co_return nullptr;
        if (*wants_tls) {
            auto secured = co_await AcceptTls(std::move(socket), Tls());
            if (!secured) {
                base::Log(base::LogLevel::kDebug, "net", "{}: {}", options.name, secured.error().message);
                co_return nullptr;
            }
            stream = std::move(*secured);
        } else {
            stream = std::move(socket);
        }
    }
    stream->LimitRead(Stream::kNoLimit);
    stream->LimitWrite(Stream::kNoLimit);
    co_return stream;
}

Result<std::unique_ptr<StreamListener>> StreamListener::Start(std::vector<env::Executor> executors,
                                                              ListenerOptions options, StreamHandler& handler) {
    CHECK(!executors.empty());
    CHECK(options.security == ListenerOptions::Security::kPlain || options.tls != nullptr);
    auto state = std::make_shared<State>(std::move(executors), std::move(options), handler);
    RETURN_IF_ERROR(state->Listen());
    env::Spawn(state->accepting, state->workers.front().executor, state->options.name + " accept",
               state->Accept(state));
    return std::unique_ptr<StreamListener>(new StreamListener(state));
}

StreamListener::StreamListener(std::shared_ptr<State> state) : state_(std::move(state)) {}
StreamListener::~StreamListener() = default;

uint16_t StreamListener::port() const { return state_->port; }
size_t StreamListener::connections() const { return state_->connections.load(std::memory_order_relaxed); }

void StreamListener::SetTls(std::shared_ptr<const TlsContext> tls) {
    std::lock_guard lock(state_->tls_mutex);
    state_->tls = std::move(tls);
}

void StreamListener::StopAccepting() {
    asio::post(state_->workers.front().executor, [state = state_] {
        boost::system::error_code ignored;
        state->acceptor.close(ignored);
    });
}

env::Task<void> StreamListener::Stop(base::Duration grace) {
    constexpr std::chrono::milliseconds kLook{20};
    StopAccepting();
    co_await state_->accepting.Close();
    for (base::Duration waited{0}; waited < grace && state_->serving.running() > 0; waited += kLook) {
        co_await env::Sleep(kLook);
    }
    co_await state_->serving.Close();
}

}  // namespace wellhead::net
