#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <ctime>

#include "env/deadline.h"
#include "env/scope.h"
#include "net/connect.h"
#include "net/listener.h"
#include "net/memory_stream.h"
#include "net/test_identity.h"

namespace wellhead::net {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;

// Sends back what comes, until the end.
class Echo final : public StreamHandler {
  public:
    env::Task<void> Serve(Stream& stream) override {
        last_origin = stream.origin();
        std::vector<char> buffer(100'000);
        for (;;) {
            auto size = co_await ReadSome(stream, buffer);
            if (!size || *size == 0) break;
            auto written = co_await Write(stream, base::ByteView(buffer.data(), *size));
            if (!written) break;
        }
        ++ended;
    }
    StreamOrigin last_origin;
    int ended = 0;
};

struct Answer {
    base::Result<std::string> echoed = base::Fail(base::ErrorCode::kCancelled, "did not run");
    StreamOrigin origin;
};

env::Task<base::Result<std::string>> SendAndCollect(Stream& stream, std::string data) {
    auto first = base::ByteView(data).substr(0, data.size() / 3);
    base::ByteView pieces[] = {first, {}, base::ByteView(data).substr(first.size())};
    CO_RETURN_IF_ERROR(co_await Write(stream, std::span<base::ByteView>(pieces)));
    stream.CloseWrite();
    std::string all;
    std::vector<char> buffer(10'000);
    for (;;) {
        CO_ASSIGN_OR_RETURN(size_t size, co_await ReadSome(stream, buffer));
        if (size == 0) co_return all;
        all.append(buffer.data(), size);
    }
}

env::Task<void> AskEcho(ConnectOptions options, StreamListener& listener, std::string data, Answer& answer) {
    auto stream = co_await Connect(std::move(options));
    if (stream) {
        answer.echoed = co_await SendAndCollect(**stream, std::move(data));
        answer.origin = (*stream)->origin();
        (*stream)->Close();
    } else {
        answer.echoed = std::unexpected(stream.error());
    }
    co_await listener.Stop(1s);
}

Answer RunEcho(ListenerOptions options, ConnectOptions connect, const std::string& data, Echo& echo) {
    asio::io_context io;
    auto listener = StreamListener::Start({io.get_executor()}, std::move(options), echo);
    EXPECT_TRUE(listener.has_value());
    env::Scope scope;
    Answer answer;
    connect.host = "127.0.0.1";
    connect.port = (*listener)->port();
    env::Spawn(scope, io.get_executor(), "ask", AskEcho(std::move(connect), **listener, data, answer));
    io.run();
    return answer;
}

TEST(Stream, BytesGoThereAndBackOverAPlainSocket) {
    Echo echo;
    std::string data(100'000, 'x');
    Answer answer = RunEcho({}, {}, data, echo);
    ASSERT_TRUE(answer.echoed.has_value()) << answer.echoed.error().message;
    EXPECT_EQ(*answer.echoed, data);
    EXPECT_EQ(echo.ended, 1);
    EXPECT_FALSE(echo.last_origin.tls);
    EXPECT_EQ(echo.last_origin.peer.address, "127.0.0.1");
}

TEST(Stream, MutualTlsShowsTheClientCertificateAndAgreesOnAProtocol) {
    TlsIdentity server = MakeTestIdentity("server");
    TlsIdentity client = MakeTestIdentity("client");
    ListenerOptions options;
    options.security = ListenerOptions::Security::kByFirstByte;
    options.tls = *TlsContext::MakeServer(
        {.identity = server, .client_certificate = ClientCertificate::kOptional, .client_authorities_pem = {}, .alpn = {"h2", "http/1.1"}});
    ConnectOptions connect;
    connect.tls = *TlsContext::MakeClient(
        {.authorities_pem = server.certificate_chain_pem, .verify = true, .identity = client, .alpn = {"http/1.1"}});
    connect.server_name = "localhost";
    Echo echo;
    std::string data;
    for (int i = 0; i < 200'000; ++i) data.push_back(static_cast<char>(i * 31 % 251));
    Answer answer = RunEcho(options, connect, data, echo);
    ASSERT_TRUE(answer.echoed.has_value()) << answer.echoed.error().message;
    EXPECT_TRUE(*answer.echoed == data);
    EXPECT_TRUE(echo.last_origin.tls);
    EXPECT_EQ(echo.last_origin.alpn, "http/1.1");
    EXPECT_EQ(echo.last_origin.server_name, "localhost");
    EXPECT_GT(echo.last_origin.client_certificate_der.size(), 100u);
}

TEST(Stream, AServerWithAForeignCertificateIsRefused) {
    ListenerOptions options;
    options.security = ListenerOptions::Security::kTls;
    options.tls = *TlsContext::MakeServer({.identity = MakeTestIdentity("server")});
    ConnectOptions connect;
    connect.tls = *TlsContext::MakeClient({.authorities_pem = MakeTestIdentity("other").certificate_chain_pem});
    Echo echo;
    Answer answer = RunEcho(options, connect, "hello", echo);
    ASSERT_FALSE(answer.echoed.has_value());
    EXPECT_EQ(answer.echoed.error().code, base::ErrorCode::kPermission);
}

TEST(Stream, AClientWithoutACertificateIsRefusedWhereOneIsRequired) {
    TlsIdentity server = MakeTestIdentity("server");
    ListenerOptions options;
    options.security = ListenerOptions::Security::kTls;
    options.tls = *TlsContext::MakeServer({.identity = server, .client_certificate = ClientCertificate::kRequired});
    ConnectOptions connect;
    connect.tls = *TlsContext::MakeClient({.authorities_pem = server.certificate_chain_pem});
    Echo echo;
    Answer answer = RunEcho(options, connect, "hello", echo);
    EXPECT_FALSE(answer.echoed.has_value());
    EXPECT_EQ(echo.ended, 0);
}

// Writes until the client is gone.
class Flood final : public StreamHandler {
  public:
    env::Task<void> Serve(Stream& stream) override {
        std::string data(1 << 20, 'x');
        base::Result<void> written;
        while (written) written = co_await Write(stream, data);
        error = written.error().code;
    }
    std::optional<base::ErrorCode> error;
};

env::Task<void> ConnectAndLeave(ConnectOptions options, StreamListener& listener) {
    auto stream = co_await Connect(std::move(options));
    EXPECT_TRUE(stream.has_value());
    char byte = 0;
    const std::span<char> room(&byte, 1);
    auto got = co_await ReadSome(**stream, room);
    EXPECT_TRUE(got.has_value());
    (*stream)->Close();
    stream->reset();
    co_await listener.Stop(5s);
}

TEST(Stream, AClientThatLeavesWhileItIsWrittenToEndsOnlyItsConnection) {
    TlsIdentity server = MakeTestIdentity("server");
    for (bool tls : {false, true}) {
        asio::io_context io;
        Flood flood;
        ListenerOptions options;
        options.security = ListenerOptions::Security::kByFirstByte;
        options.tls = *TlsContext::MakeServer({.identity = server});
        if (!tls) options.security = ListenerOptions::Security::kPlain;
        auto listener = StreamListener::Start({io.get_executor()}, options, flood);
        ConnectOptions connect;
        connect.host = "127.0.0.1";
        connect.port = (*listener)->port();
        if (tls) connect.tls = *TlsContext::MakeClient({.authorities_pem = server.certificate_chain_pem});
        env::Scope scope;
        env::Spawn(scope, io.get_executor(), "leave", ConnectAndLeave(std::move(connect), **listener));
        io.run();
        EXPECT_EQ(flood.error, base::ErrorCode::kUnavailable);
    }
}

TEST(Tls, AKeyThatIsNotTheCertificatesIsRefused) {
    TlsIdentity mixed = MakeTestIdentity("a");
    mixed.private_key_pem = MakeTestIdentity("b").private_key_pem;
    EXPECT_EQ(TlsContext::MakeServer({.identity = mixed}).error().code, base::ErrorCode::kInvalidArgument);
    EXPECT_FALSE(TlsContext::MakeServer({.identity = {.certificate_chain_pem = "no", .private_key_pem = "no"}}));
}

env::Task<void> WaitForRead(Stream& stream, base::Result<void>& result) { result = co_await stream.WaitReadable(); }

env::Task<void> ConnectAndWait(uint16_t port, StreamListener& listener, base::Result<void>& result) {
    ConnectOptions options;
    options.host = "127.0.0.1";
    options.port = port;
    auto stream = co_await Connect(options);
    EXPECT_TRUE(stream.has_value());
    (*stream)->LimitRead(1ms);
    result = co_await (*stream)->WaitReadable();
    (*stream)->Close();
    co_await listener.Stop(1s);
}

TEST(Stream, AReadLimitEndsAWaitOnASocket) {
    asio::io_context io;
    Echo echo;
    auto listener = StreamListener::Start({io.get_executor()}, {}, echo);
    env::Scope scope;
    base::Result<void> result;
    env::Spawn(scope, io.get_executor(), "wait", ConnectAndWait((*listener)->port(), **listener, result));
    io.run();
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error().code, base::ErrorCode::kTimeout);
}

// Ends what it sends at once, and then reads nothing for a while; the server has more for it than fits into the socket.
env::Task<void> EndAndNotRead(ConnectOptions options, StreamListener& listener, clock_t& used) {
    auto stream = co_await Connect(std::move(options));
    EXPECT_TRUE(stream.has_value());
    (*stream)->CloseWrite();
    const clock_t before = std::clock();
    co_await env::Sleep(300ms);
    used = std::clock() - before;
    (*stream)->Close();
    co_await listener.Stop(5s);
}

TEST(Stream, AClientThatEndedItsSideAndDoesNotReadCostsNothing) {
    asio::io_context io;
    Flood flood;
    auto listener = StreamListener::Start({io.get_executor()}, {}, flood);
    ConnectOptions connect;
    connect.host = "127.0.0.1";
    connect.port = (*listener)->port();
    env::Scope scope;
    clock_t used = 0;
    env::Spawn(scope, io.get_executor(), "end", EndAndNotRead(std::move(connect), **listener, used));
    io.run();
    // Far less than the time that it took: nothing was tried again and again.
    EXPECT_LT(used, CLOCKS_PER_SEC / 10);
}

TEST(MemoryStream, ASimulatedDeadlineEndsAWait) {
    asio::io_context io;
    env::Scope scope;
    auto [a, b] = MemoryStream::MakePair(io.get_executor());
    base::Result<void> result;
    a->LimitRead(10s);
    env::Spawn(scope, io.get_executor(), "wait", WaitForRead(*a, result));
    io.poll();
    EXPECT_TRUE(result.has_value());
    a->PassReadLimit();
    io.restart();
    io.run();
    EXPECT_EQ(result.error().code, base::ErrorCode::kTimeout);
}

}  // namespace
}  // namespace wellhead::net
