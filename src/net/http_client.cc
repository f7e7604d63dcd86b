#include "net/http_client.h"

#include <fmt/format.h>

#include <boost/asio/execution/context.hpp>
#include <boost/asio/query.hpp>
#include <charconv>
#include <deque>
#include <map>
#include <mutex>

#include "net/http1_parser.h"
#include "net/http_connection.h"

namespace wellhead::net {

using base::ErrorCode;
using base::Result;

namespace {

constexpr size_t kReadSize = 64 * 1024;

// A connection and what was read from it and not used yet.
struct ClientConnection {
    std::unique_ptr<Stream> stream;
    std::string buffer;
    bool reused = false;

    // 0 at the end.
    env::Task<Result<size_t>> Fill() {
        size_t before = buffer.size();
        buffer.resize(before + kReadSize);
        auto got = co_await ReadSome(*stream, std::span<char>(buffer).subspan(before));
        buffer.resize(before + got.value_or(0));
        co_return got;
    }
};

// The idle connections of one executor, by endpoint; touched there only.
using Pool = std::map<std::string, std::deque<std::unique_ptr<ClientConnection>>>;

std::string KeyOf(const HttpEndpoint& endpoint) {
    return fmt::format("{}{}:{}", endpoint.tls ? "s " : "p ", endpoint.host, endpoint.port);
}

}  // namespace

struct HttpClient::State {
    explicit State(HttpClientOptions client_options) : options(std::move(client_options)) {}

    Pool& PoolOf(const env::Executor& executor) {
        std::lock_guard lock(mutex);
        return pools[&boost::asio::query(executor, boost::asio::execution::context)];
    }
    env::Task<Result<std::unique_ptr<ClientConnection>>> Take(HttpEndpoint endpoint);
    void GiveBack(const std::string& key, std::unique_ptr<ClientConnection> connection);

    const HttpClientOptions options;
    std::mutex mutex;
    std::map<const void*, Pool> pools;
};

namespace {

class ClientBody final : public BodyReader {
  public:
    using GiveBack = std::move_only_function<void(std::unique_ptr<ClientConnection>)>;
    ClientBody(std::unique_ptr<ClientConnection> connection, const ResponseHead& head, bool has_body,
               base::Duration limit, GiveBack give_back)
        : connection_(std::move(connection)),
          chunked_(has_body && head.chunked),
          until_end_(has_body && !head.chunked && !head.length),
          keep_alive_(head.keep_alive && !until_end_),
          length_(has_body ? head.length : std::optional<uint64_t>(0)),
          left_(length_.value_or(0)),
          limit_(limit),
          give_back_(std::move(give_back)) {
        if (Finished()) Leave();
    }

    env::Task<Result<base::Bytes>> Read() override {
        while (connection_) {
            std::string& buffer = connection_->buffer;
            if (chunked_) {
                auto step = decoder_.Decode(buffer);
                if (!step) co_return Break(ErrorCode::kInvalidArgument, step.error().reason);
                base::Bytes piece(step->data);
                size_t consumed = step->consumed;
                buffer.erase(0, consumed);
                if (decoder_.done()) Leave();
                if (!piece.empty()) co_return piece;
                if (consumed > 0) continue;
            } else if (!buffer.empty()) {
                size_t size = until_end_ ? buffer.size()
                                         : static_cast<size_t>(std::min<uint64_t>(left_, buffer.size()));
                base::Bytes piece = buffer.substr(0, size);
                buffer.erase(0, size);
                if (!until_end_) left_ -= size;
                if (Finished()) Leave();
                co_return piece;
            }
            if (!connection_) break;
            connection_->stream->LimitRead(limit_);
            auto got = co_await connection_->Fill();
            if (!got) co_return Break(got.error().code, got.error().message);
            if (*got == 0 && until_end_) {
                Leave();
            } else if (*got == 0) {
                co_return Break(ErrorCode::kUnavailable, "the answer was broken off");
            }
        }
        if (failure_) co_return std::unexpected(*failure_);
        co_return base::Bytes();
    }
    std::optional<uint64_t> length() const override { return length_; }
    const Headers& trailers() const override { return decoder_.trailers(); }

  private:
    bool Finished() const { return !chunked_ && !until_end_ && left_ == 0; }
    void Leave() {
        if (keep_alive_ && connection_ && connection_->buffer.empty()) give_back_(std::move(connection_));
        connection_.reset();
    }
    std::unexpected<base::Error> Break(ErrorCode code, std::string reason) {
        connection_.reset();
        failure_ = base::Error{code, std::move(reason)};
        return std::unexpected(*failure_);
    }

    std::unique_ptr<ClientConnection> connection_;  // null once the body is over
    const bool chunked_;
    const bool until_end_;
    const bool keep_alive_;
    const std::optional<uint64_t> length_;
    uint64_t left_;
    const base::Duration limit_;
    GiveBack give_back_;
    ChunkedDecoder decoder_;
    std::optional<base::Error> failure_;
};

std::string RenderRequest(const HttpEndpoint& endpoint, const HttpClientRequest& request) {
    std::string head = fmt::format("{} {} HTTP/1.1\r\nhost: {}\r\n", request.method, request.target,
                                   endpoint.Authority());
    for (const auto& [name, value] : request.headers) {
        if (name == "host" || name == "content-length" || name == "transfer-encoding") continue;
        head += name + ": " + value + "\r\n";
    }
    if (const auto* bytes = std::get_if<base::Bytes>(&request.body)) {
        bool bare = bytes->empty() && (request.method == "GET" || request.method == "HEAD");
        if (!bare) head += fmt::format("content-length: {}\r\n", bytes->size());
    } else if (request.length) {
        head += fmt::format("content-length: {}\r\n", *request.length);
    } else {
        head += "transfer-encoding: chunked\r\n";
    }
    return head + "\r\n";
}

bool IsClean(const HttpClientRequest& request) {
    bool clean = IsToken(request.method) && IsFieldValue(request.target) &&
                 request.target.find(' ') == std::string::npos;
    for (const auto& [name, value] : request.headers) clean = clean && IsToken(name) && IsFieldValue(value);
    return clean;
}

env::Task<Result<void>> WriteRequest(Stream& stream, std::string head, HttpClientRequest& request,
                                     base::Duration limit) {
    stream.LimitWrite(limit);
    if (auto* bytes = std::get_if<base::Bytes>(&request.body)) {
        base::ByteView pieces[2] = {head, *bytes};
        co_return co_await Write(stream, std::span<base::ByteView>(pieces));
    }
    CO_RETURN_IF_ERROR(co_await Write(stream, head));
    auto& source = *std::get<std::unique_ptr<BodySource>>(request.body);
    bool chunked = !request.length;
    for (;;) {
        CO_ASSIGN_OR_RETURN(base::Bytes piece, co_await source.Next());
        stream.LimitWrite(limit);
        if (piece.empty()) break;
        std::string size_line = chunked ? fmt::format("{:x}\r\n", piece.size()) : "";
        base::ByteView pieces[3] = {size_line, piece, chunked ? "\r\n" : ""};
        CO_RETURN_IF_ERROR(co_await Write(stream, std::span<base::ByteView>(pieces)));
    }
    if (chunked) CO_RETURN_IF_ERROR(co_await Write(stream, "0\r\n\r\n"));
    co_return Result<void>();
}

env::Task<Result<ResponseHead>> ReadResponseHead(ClientConnection& connection, base::Duration limit) {
    HeadLimits limits;
    for (;;) {
        HeadFinder finder;
        std::optional<size_t> size;
        while (!size) {
            auto found = finder.Find(connection.buffer, limits);
            if (!found) co_return base::Fail(ErrorCode::kInvalidArgument, found.error().reason);
            size = *found;
            if (size) break;
            connection.stream->LimitRead(limit);
            CO_ASSIGN_OR_RETURN(size_t got, co_await connection.Fill());
            if (got == 0) co_return base::Fail(ErrorCode::kUnavailable, "closed without an answer");
        }
        auto head = ParseResponseHead(std::string_view(connection.buffer).substr(0, *size), limits);
        if (!head) co_return base::Fail(ErrorCode::kInvalidArgument, head.error().reason);
        connection.buffer.erase(0, *size);
        if (head->status >= 200) co_return std::move(*head);
    }
}

}  // namespace

Result<HttpEndpoint> HttpEndpoint::Parse(std::string_view url) {
    HttpEndpoint endpoint;
    std::string_view rest = url;
    if (rest.starts_with("https://")) {
        endpoint.tls = true;
        rest.remove_prefix(8);
    } else if (rest.starts_with("http://")) {
        rest.remove_prefix(7);
    } else {
        return base::Fail(ErrorCode::kInvalidArgument, fmt::format("{} is no http:// or https:// address", url));
    }
    rest = rest.substr(0, rest.find('/'));
    endpoint.port = endpoint.tls ? 443 : 80;
    size_t colon = rest.rfind(':');
    if (colon != rest.npos && rest.find(']', colon) == rest.npos) {
        std::string_view port = rest.substr(colon + 1);
        auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), endpoint.port);
        if (error != std::errc() || end != port.data() + port.size() || endpoint.port == 0) {
            return base::Fail(ErrorCode::kInvalidArgument, fmt::format("{} has a bad port", url));
        }
        rest = rest.substr(0, colon);
    }
    if (rest.starts_with('[') && rest.ends_with(']')) rest = rest.substr(1, rest.size() - 2);
    if (rest.empty()) return base::Fail(ErrorCode::kInvalidArgument, fmt::format("{} names no host", url));
    endpoint.host = rest;
    return endpoint;
}

std::string HttpEndpoint::Authority() const {
    std::string name = host.find(':') == std::string::npos ? host : "[" + host + "]";
    return port == (tls ? 443 : 80) ? name : fmt::format("{}:{}", name, port);
}

HttpClient::HttpClient(HttpClientOptions options) : state_(std::make_shared<State>(std::move(options))) {}
HttpClient::~HttpClient() = default;

env::Task<Result<std::unique_ptr<ClientConnection>>> HttpClient::State::Take(HttpEndpoint endpoint) {
    Pool& pool = PoolOf(co_await boost::asio::this_coro::executor);
    auto& idle = pool[KeyOf(endpoint)];
    while (!idle.empty()) {
        auto connection = std::move(idle.back());
        idle.pop_back();
        // One that was closed meanwhile has something to read: its end.
        char byte = 0;
        auto there = connection->stream->TryRead({&byte, 1});
        if (!there || *there) continue;
        connection->reused = true;
        co_return connection;
    }
    ConnectOptions connect;
    connect.host = endpoint.host;
    connect.port = endpoint.port;
    connect.limit = options.connect_limit;
    if (endpoint.tls) {
        if (!options.tls) co_return base::Fail(ErrorCode::kInvalidArgument, "https without a TLS context");
        connect.tls = options.tls;
    }
    auto connection = std::make_unique<ClientConnection>();
    CO_ASSIGN_OR_RETURN(connection->stream, co_await Connect(std::move(connect)));
    co_return connection;
}

void HttpClient::State::GiveBack(const std::string& key, std::unique_ptr<ClientConnection> connection) {
    auto& idle = PoolOf(connection->stream->executor())[key];
    if (idle.size() >= options.max_idle_per_endpoint) return;
    connection->stream->LimitRead(Stream::kNoLimit);
    connection->stream->LimitWrite(Stream::kNoLimit);
    idle.push_back(std::move(connection));
}

env::Task<Result<HttpClientResponse>> HttpClient::Send(HttpEndpoint endpoint, HttpClientRequest request) {
    auto state = state_;
    if (!IsClean(request)) co_return base::Fail(ErrorCode::kInvalidArgument, "a request field has bad characters");
    std::string rendered = RenderRequest(endpoint, request);
    for (;;) {
        CO_ASSIGN_OR_RETURN(auto connection, co_await state->Take(endpoint));
        auto written = co_await WriteRequest(*connection->stream, rendered, request, state->options.write_limit);
        Result<ResponseHead> head;
        if (written || written.error().code == ErrorCode::kUnavailable) {
            // A server that refuses early may have answered although it did not read everything.
            head = co_await ReadResponseHead(*connection, state->options.answer_limit);
        } else {
            head = std::unexpected(written.error());
        }
        if (!head) {
            // A kept connection that the server was just closing: the request was not looked at.
            bool again = connection->reused && head.error().code == ErrorCode::kUnavailable &&
                         connection->buffer.empty() && std::holds_alternative<base::Bytes>(request.body);
            if (again) continue;
            co_return std::unexpected(head.error());
        }
        if (!written) head->keep_alive = false;
        bool has_body = StatusHasBody(head->status) && request.method != "HEAD";
        HttpClientResponse response;
        response.status = head->status;
        auto give_back = [state, key = KeyOf(endpoint)](std::unique_ptr<ClientConnection> done) {
            state->GiveBack(key, std::move(done));
        };
        response.body = std::make_unique<ClientBody>(std::move(connection), *head, has_body,
                                                     state->options.answer_limit, std::move(give_back));
        response.headers = std::move(head->headers);
        co_return response;
    }
}

env::Task<void> HttpClient::Close() {
    auto state = state_;
    state->PoolOf(co_await boost::asio::this_coro::executor).clear();
}

}  // namespace wellhead::net
