#include <gtest/gtest.h>

#include "net/http_test_client.h"

namespace wellhead::net {
namespace {

class CountingSource final : public BodySource {
  public:
    env::Task<base::Result<base::Bytes>> Next() override {
        if (left_ == 0) co_return base::Bytes();
        co_return "part" + std::to_string(left_--);
    }

  private:
    int left_ = 3;
};

// Answers by path.
class Answers final : public HttpHandler {
  public:
    env::Task<HttpResponse> Handle(HttpRequest& request) override {
        ++requests;
        last = request.target;
        HttpResponse response;
        std::string_view path = request.path();
        if (path == "/echo") {
            auto body = co_await ReadAll(*request.body, 1 << 20);
            if (!body) {
                response.status = 400;
                response.body = std::string(base::ErrorCodeName(body.error().code));
                co_return response;
            }
            response.body = std::move(*body);
            if (auto trailer = request.body->trailers().Find("x-sum")) response.headers.Add("x-sum", std::string(*trailer));
        } else if (path == "/source") {
            response.body = std::make_unique<CountingSource>();
        } else if (path == "/measured") {
            response.body = std::make_unique<CountingSource>();
            response.length = 15;
        } else if (path == "/none") {
            response.status = 204;
        } else if (path == "/throw") {
            throw std::runtime_error("on purpose");
        } else if (path == "/split") {
            response.headers.Add("x-evil", "a\r\nset-cookie: b");
        } else {
            response.body = "hello";
        }
        co_return response;
    }
    int requests = 0;
    std::string last;
};

std::string BodyOf(const std::string& response) { return response.substr(response.find("\r\n\r\n") + 4); }

TEST(Http1Connection, PipelinedRequestsAreAnsweredInOrder) {
    Answers answers;
    HttpTestConnection connection(answers);
    std::string got = connection.Send(
        "GET / HTTP/1.1\r\nHost: a\r\n\r\nPOST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET /none HTTP/1.1\r\nHost: a\r\n\r\n");
    size_t first = got.find("hello");
    size_t second = got.find("abc");
    size_t third = got.find("HTTP/1.1 204 No Content");
    EXPECT_LT(first, second);
    EXPECT_LT(second, third);
    EXPECT_NE(third, got.npos);
    EXPECT_NE(got.find("date: "), got.npos);
    EXPECT_FALSE(connection.ended());
}

TEST(Http1Connection, AChunkedBodyIsReadWithItsTrailers) {
    Answers answers;
    HttpTestConnection connection(answers);
    std::string got = connection.Send(
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 9\r\n\r\n");
    EXPECT_EQ(BodyOf(got), "abc");
    EXPECT_NE(got.find("x-sum: 9\r\n"), got.npos);
}

TEST(Http1Connection, ABodyOfUnknownLengthGoesChunkedAndAKnownOneDoesNot) {
    Answers answers;
    HttpTestConnection connection(answers);
    EXPECT_EQ(BodyOf(connection.Send("GET /source HTTP/1.1\r\nHost: a\r\n\r\n")),
              "5\r\npart3\r\n5\r\npart2\r\n5\r\npart1\r\n0\r\n\r\n");
    std::string measured = connection.Send("GET /measured HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(BodyOf(measured), "part3part2part1");
    EXPECT_NE(measured.find("content-length: 15\r\n"), measured.npos);
}

TEST(Http1Connection, HeadHasTheLengthAndNoBody) {
    Answers answers;
    HttpTestConnection connection(answers);
    std::string got = connection.Send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_NE(got.find("content-length: 5\r\n"), got.npos);
    EXPECT_EQ(BodyOf(got), "");
}

TEST(Http1Connection, ContinueIsSentWhenTheBodyIsFirstRead) {
    Answers answers;
    HttpTestConnection connection(answers);
    EXPECT_EQ(connection.Send("PUT /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"),
              "HTTP/1.1 100 Continue\r\n\r\n");
    EXPECT_EQ(BodyOf(connection.Send("ok")), "ok");
    EXPECT_FALSE(connection.ended());
}

TEST(Http1Connection, ARefusalBeforeContinueClosesTheConnection) {
    Answers answers;
    HttpTestConnection connection(answers);
    std::string got =
        connection.Send("PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    EXPECT_TRUE(got.starts_with("HTTP/1.1 200 OK\r\n"));
    EXPECT_NE(got.find("connection: close\r\n"), got.npos);
    connection.EndInput();
    connection.Receive();
    EXPECT_TRUE(connection.ended());
}

TEST(Http1Connection, ASmallUnreadBodyIsDrainedALargeOneEndsTheConnection) {
    Answers answers;
    HttpTestConnection connection(answers);
    std::string got = connection.Send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nGET GET /none HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_NE(got.find("204 No Content"), got.npos);
    got = connection.Send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n");
    EXPECT_NE(got.find("connection: close\r\n"), got.npos);
}

TEST(Http1Connection, BadFramingIsRefusedAndTheConnectionEnds) {
    Answers answers;
    HttpTestConnection connection(answers);
    std::string got = connection.Send(
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_TRUE(got.starts_with("HTTP/1.1 400 ")) << got;
    EXPECT_EQ(answers.requests, 0);
    connection.EndInput();
    connection.Receive();
    EXPECT_TRUE(connection.ended());
}

TEST(Http1Connection, BadChunksReachTheHandlerAsAnErrorAndEndTheConnection) {
    Answers answers;
    HttpTestConnection connection(answers);
    std::string got = connection.Send(
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(BodyOf(got), "invalid argument");
    connection.Receive();
    EXPECT_EQ(answers.requests, 1);
    EXPECT_TRUE(connection.ended());
}

TEST(Http1Connection, ABodyBrokenOffReachesTheHandlerAsAnError) {
    Answers answers;
    HttpTestConnection connection(answers);
    connection.Send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\n\r\nabc");
    connection.EndInput();
    EXPECT_EQ(BodyOf(connection.Receive()), "unavailable");
}

TEST(Http1Connection, AClientThatStallsInAHeadIsToldAnIdleOneIsLeft) {
    Answers answers;
    HttpTestConnection slow(answers);
    slow.Send("GET / HTTP/1.1\r\nHo");
    EXPECT_EQ(slow.server().read_limit(), HttpLimits().head_limit);
    slow.PassReadLimit();
    EXPECT_TRUE(slow.Receive().starts_with("HTTP/1.1 408 "));
    HttpTestConnection idle(answers);
    idle.Receive();
    idle.PassReadLimit();
    EXPECT_EQ(idle.Receive(), "");
    EXPECT_TRUE(idle.ended());
}

TEST(Http1Connection, AStalledBodyReachesTheHandlerAsATimeout) {
    Answers answers;
    HttpTestConnection connection(answers);
    connection.Send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\n\r\nabc");
    connection.PassReadLimit();
    EXPECT_EQ(BodyOf(connection.Receive()), "timed out");
}

TEST(Http1Connection, AFailingHandlerIsA500AndAValueWithALineBreakIsDropped) {
    Answers answers;
    HttpTestConnection connection(answers);
    EXPECT_TRUE(connection.Send("GET /throw HTTP/1.1\r\nHost: a\r\n\r\n").starts_with("HTTP/1.1 500 "));
    EXPECT_EQ(connection.Send("GET /split HTTP/1.1\r\nHost: a\r\n\r\n").find("set-cookie"), std::string::npos);
}

TEST(Http1Connection, Http10IsClosedAfterTheAnswer) {
    Answers answers;
    HttpTestConnection connection(answers);
    std::string got = connection.Send("GET /source HTTP/1.0\r\n\r\n");
    EXPECT_EQ(BodyOf(got), "part3part2part1");
    connection.EndInput();
    connection.Receive();
    EXPECT_TRUE(connection.ended());
}

}  // namespace
}  // namespace wellhead::net
