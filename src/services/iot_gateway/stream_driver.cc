#include "services/iot_gateway/stream_driver.h"

#include <boost/asio/post.hpp>
#include <vector>

namespace wellhead::services::iot_gateway {

namespace {

constexpr size_t kReadBytes = 64 * 1024;
constexpr size_t kWriteBytes = 64 * 1024;
constexpr int kReadsInARow = 4;
// A client that takes nothing for this long is gone.
constexpr base::Duration kWriteLimit = std::chrono::seconds(30);
// After our last byte: for the client to read it and close, before the reset that closing with unread input is.
constexpr base::Duration kCloseLimit = std::chrono::seconds(2);

// Filled and used up without waiting in between, so one for each thread is enough.
std::span<char> ReadBuffer() {
    thread_local std::vector<char> buffer(kReadBytes);
    return buffer;
}

mqtt::ConnectionOrigin OriginOf(const net::StreamOrigin& origin) {
    return {.peer_address = origin.peer.address,
            .server_name = origin.server_name,
            .tls = origin.tls,
            .client_certificate_der = origin.client_certificate_der,
            .signed_access_key_id = {}};
}

}  // namespace

StreamDriver::StreamDriver(mqtt::Broker& broker, net::Stream& stream, std::shared_ptr<const mqtt::Profile> profile)
    : broker_(broker), stream_(stream) {
    connection_ = broker.Connect(broker.HomeOf(stream.executor()), OriginOf(stream.origin()), std::move(profile), *this);
}

StreamDriver::~StreamDriver() = default;

// One frame for the whole of an idle connection's waiting: thousands of them are there at a time.
env::Task<void> StreamDriver::Run() {
    // A stopping listener cancels: the waits end, and what follows still has to be done.
    co_await boost::asio::this_coro::throw_if_cancelled(false);
    int reads = 0;
    for (;;) {
        if (connection_->paused()) {
            co_await WaitWhilePaused();
            auto cancellation = co_await boost::asio::this_coro::cancellation_state;
            if (cancellation.cancelled() != boost::asio::cancellation_type::none) break;
            if (!Feed({})) break;
            continue;
        }
        const Took took = TakeSome();
        if (took == Took::kEnd) break;
        if (took == Took::kFull) {
            if (++reads < kReadsInARow) continue;
            co_await boost::asio::post(stream_.executor(), boost::asio::use_awaitable);  // the others' turn
        } else if (!connection_->paused()) {
            auto wait = co_await stream_.WaitReadable();
            if (!wait) break;
        }
        reads = 0;
    }
    connection_->Lost();
    stream_.Close();
    if (drains_) co_await drains_->Close();
}

StreamDriver::Took StreamDriver::TakeSome() {
    auto read = stream_.TryRead(ReadBuffer());
    if (!read) return Took::kEnd;
    if (!*read) return Took::kAll;
    const size_t size = **read;
    if (size == 0) return Took::kEnd;
    if (!connection_->finished() && !Feed(base::ByteView(ReadBuffer().data(), size))) return Took::kEnd;
    return size == kReadBytes ? Took::kFull : Took::kAll;
}

env::Task<void> StreamDriver::WaitWhilePaused() {
    env::Event resume(stream_.executor());
    resume_ = &resume;
    co_await resume.Wait();
    resume_ = nullptr;
}

bool StreamDriver::Feed(base::ByteView bytes) {
    if (bytes.empty() && held_.empty()) return true;
    feeding_ = true;
    const bool kept = held_.Feed(*connection_, bytes);
    feeding_ = false;
    Flush();
    return kept;
}

void StreamDriver::Wake() {
    if (!feeding_) Flush();
    if (resume_ != nullptr) resume_->Set();
}

void StreamDriver::Flush() {
    if (blocked_ || flushing_) return;
    flushing_ = true;
    thread_local base::Bytes out;
    bool more = true;
    while (more && !blocked_) {
        out.clear();
        more = connection_->TakeOutput(out, kWriteBytes);
        if (out.empty()) break;
        const base::ByteView pieces[] = {out};
        auto taken = stream_.TryWrite(pieces);
        if (!taken) {
            stream_.Close();
            break;
        }
        if (*taken == out.size()) continue;
        unsent_.assign(out, *taken);
        blocked_ = true;
        stream_.LimitWrite(kWriteLimit);
        if (!drains_) drains_ = std::make_unique<env::Scope>();
        env::Spawn(*drains_, stream_.executor(), "mqtt write", Drain());
    }
    flushing_ = false;
    if (!blocked_ && connection_->finished()) CloseSoon();
}

env::Task<void> StreamDriver::Drain() {
    size_t sent = 0;
    while (sent < unsent_.size()) {
        auto wait = co_await stream_.WaitWritable();
        const base::ByteView pieces[] = {base::ByteView(unsent_).substr(sent)};
        auto taken = wait ? stream_.TryWrite(pieces) : base::Result<size_t>(std::unexpected(wait.error()));
        if (!taken) {
            stream_.Close();
            co_return;  // stays blocked: nothing can be written any more
        }
        if (*taken > 0) stream_.LimitWrite(kWriteLimit);
        sent += *taken;
    }
    stream_.LimitWrite(net::Stream::kNoLimit);
    unsent_ = base::Bytes();
    blocked_ = false;
    Flush();
}

void StreamDriver::CloseSoon() {
    if (closing_) return;
    closing_ = true;
    stream_.CloseWrite();
    stream_.LimitRead(kCloseLimit);
    if (resume_ != nullptr) resume_->Set();
}

}  // namespace wellhead::services::iot_gateway
