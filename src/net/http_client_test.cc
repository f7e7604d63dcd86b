#include "net/http_client.h"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include "env/posix/posix.h"
#include "env/scope.h"
#include "net/http_server.h"
#include "net/test_identity.h"

namespace wellhead::net {
namespace {

using namespace std::chrono_literals;

class TwoPieces final : public BodySource {
  public:
    env::Task<base::Result<base::Bytes>> Next() override {
        co_return left_-- > 0 ? base::Bytes("piece") : base::Bytes();
    }

  private:
    int left_ = 2;
};

class Echo final : public HttpHandler {
  public:
    env::Task<HttpResponse> Handle(HttpRequest& request) override {
        ports.push_back(request.peer.port);
        HttpResponse response;
        response.headers.Add("x-host", request.authority);
        if (request.path() == "/source") {
            response.body = std::make_unique<TwoPieces>();
            co_return response;
        }
        if (request.path() == "/close") response.headers.Add("connection", "close");
        auto body = co_await ReadAll(*request.body, 1 << 24);
        if (body) response.body = request.method + " " + request.target + " " + *body;
        co_return response;
    }
    std::vector<uint16_t> ports;
};

struct Outcome {
    base::Result<std::string> body = base::Fail(base::ErrorCode::kCancelled, "");
    int status = 0;
};

env::Task<Outcome> Ask(HttpClient& client, HttpEndpoint endpoint, HttpClientRequest request) {
    Outcome outcome;
    auto response = co_await client.Send(std::move(endpoint), std::move(request));
    if (!response) {
        outcome.body = std::unexpected(response.error());
        co_return outcome;
    }
    outcome.status = response->status;
    outcome.body = co_await ReadAll(*response->body, 1 << 24);
    co_return outcome;
}

HttpClientRequest Request(std::string method, std::string target, std::string body = "") {
    HttpClientRequest request;
    request.method = std::move(method);
    request.target = std::move(target);
    request.body = std::move(body);
    return request;
}

env::Task<void> Plain(HttpClient& client, HttpEndpoint endpoint, HttpServer& server, std::vector<Outcome>& out) {
    out.push_back(co_await Ask(client, endpoint, Request("POST", "/a", "x")));
    out.push_back(co_await Ask(client, endpoint, Request("GET", "/source")));
    HttpClientRequest source;
    source.method = "PUT";
    source.target = "/b";
    source.body = std::make_unique<TwoPieces>();
    out.push_back(co_await Ask(client, endpoint, std::move(source)));
    out.push_back(co_await Ask(client, endpoint, Request("GET", "/close")));
    out.push_back(co_await Ask(client, endpoint, Request("GET", "/new")));
    out.push_back(co_await Ask(client, endpoint, Request("GET", "/ x")));
    co_await client.Close();
    co_await server.Stop(1s);
    out.push_back(co_await Ask(client, endpoint, Request("GET", "/gone")));
}

TEST(HttpClient, RequestsShareAConnectionUntilItIsClosed) {
    boost::asio::io_context io;
    Echo echo;
    auto clock = env::posix::MakeClock();
    auto server = HttpServer::Start({io.get_executor()}, {}, {}, echo, *clock);
    ASSERT_TRUE(server.has_value());
    HttpClient client({});
    env::Scope scope;
    std::vector<Outcome> out;
    env::Spawn(scope, io.get_executor(), "ask", Plain(client, {false, "127.0.0.1", (*server)->port()}, **server, out));
    io.run();
    ASSERT_EQ(out.size(), 7u);
    EXPECT_EQ(out[0].body, "POST /a x");
    EXPECT_EQ(out[1].body, "piecepiece");
    EXPECT_EQ(out[2].body, "PUT /b piecepiece");
    EXPECT_EQ(out[4].body, "GET /new ");
    EXPECT_EQ(out[5].body.error().code, base::ErrorCode::kInvalidArgument);
    EXPECT_EQ(out[6].body.error().code, base::ErrorCode::kUnavailable);
    ASSERT_EQ(echo.ports.size(), 5u);
    EXPECT_EQ(echo.ports[0], echo.ports[3]);
    EXPECT_NE(echo.ports[3], echo.ports[4]);
}

env::Task<void> Secure(HttpClient& client, HttpEndpoint endpoint, HttpServer& server, Outcome& out) {
    out = co_await Ask(client, endpoint, Request("GET", "/a"));
    co_await client.Close();
    co_await server.Stop(1s);
}

TEST(HttpClient, TlsIsVerifiedByTheGivenAuthority) {
    TlsIdentity identity = MakeTestIdentity("server");
    for (bool trusted : {true, false}) {
        boost::asio::io_context io;
        Echo echo;
        auto clock = env::posix::MakeClock();
        ListenerOptions listener;
        listener.security = ListenerOptions::Security::kByFirstByte;
        listener.tls = *TlsContext::MakeServer({.identity = identity});
        auto server = HttpServer::Start({io.get_executor()}, listener, {}, echo, *clock);
        HttpClientOptions options;
        options.tls = *TlsContext::MakeClient(
            {.authorities_pem = trusted ? identity.certificate_chain_pem : MakeTestIdentity("x").certificate_chain_pem});
        HttpClient client(options);
        env::Scope scope;
        Outcome out;
        env::Spawn(scope, io.get_executor(), "ask", Secure(client, {true, "127.0.0.1", (*server)->port()}, **server, out));
        io.run();
        if (trusted) {
            EXPECT_EQ(out.body, "GET /a ");
        } else {
            EXPECT_EQ(out.body.error().code, base::ErrorCode::kPermission);
        }
    }
}

TEST(HttpEndpoint, AddressesAreRead) {
    EXPECT_EQ(HttpEndpoint::Parse("http://a:81/x")->Authority(), "a:81");
    EXPECT_EQ(HttpEndpoint::Parse("https://a")->Authority(), "a");
    EXPECT_EQ(HttpEndpoint::Parse("https://a")->port, 443);
    EXPECT_EQ(HttpEndpoint::Parse("http://[::1]:8")->host, "::1");
    EXPECT_EQ(HttpEndpoint::Parse("http://[::1]:8")->Authority(), "[::1]:8");
    EXPECT_FALSE(HttpEndpoint::Parse("ftp://a"));
    EXPECT_FALSE(HttpEndpoint::Parse("http://"));
    EXPECT_FALSE(HttpEndpoint::Parse("http://a:0"));
    EXPECT_FALSE(HttpEndpoint::Parse("http://a:99999"));
}

}  // namespace
}  // namespace wellhead::net
