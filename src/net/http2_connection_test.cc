// HTTP/2 against nghttp2's own client half, in memory.

#include <gtest/gtest.h>
#include <nghttp2/nghttp2.h>

#include <map>

#include "net/http_test_client.h"

namespace wellhead::net {
namespace {

class SlowSource final : public BodySource {
  public:
    explicit SlowSource(int pieces) : left_(pieces) {}
    env::Task<base::Result<base::Bytes>> Next() override {
        if (left_-- == 0) co_return base::Bytes();
        co_return std::string(100'000, 's');
    }

  private:
    int left_;
};

class Answers final : public HttpHandler {
  public:
    env::Task<HttpResponse> Handle(HttpRequest& request) override {
        ++requests;
        HttpResponse response;
        response.headers.Add("X-Path", request.target);
        response.headers.Add("connection", "close");
        if (request.path() == "/echo") {
            auto body = co_await ReadAll(*request.body, 64 << 20);
            response.status = body ? 200 : 400;
            response.body = body ? std::move(*body) : std::string(base::ErrorCodeName(body.error().code));
            if (auto sum = request.body->trailers().Find("x-sum")) response.headers.Add("x-sum", std::string(*sum));
        } else if (request.path() == "/source") {
            response.body = std::make_unique<SlowSource>(30);
        } else if (request.path() == "/none") {
            response.status = 204;
        } else {
            response.body = "hello " + request.authority;
        }
        co_return response;
    }
    int requests = 0;
};

// The client's half of a connection.
class Client {
  public:
    struct Answer {
        std::map<std::string, std::string> fields;
        std::string body;
        int interim = 0;
        bool closed = false;
        uint32_t error = 0;
    };

    explicit Client(HttpTestConnection& connection) : connection_(connection) {
        nghttp2_session_callbacks* callbacks = nullptr;
        nghttp2_session_callbacks_new(&callbacks);
        nghttp2_session_callbacks_set_on_header_callback(callbacks, OnHeader);
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, OnData);
        nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, OnClose);
        nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, OnFrame);
        nghttp2_session_client_new(&session_, callbacks, this);
        nghttp2_session_callbacks_del(callbacks);
        nghttp2_submit_settings(session_, 0, nullptr, 0);
    }
    ~Client() { nghttp2_session_del(session_); }

    int32_t Ask(const std::string& method, const std::string& path, std::string body = "",
                std::vector<std::pair<std::string, std::string>> more = {}) {
        std::vector<std::pair<std::string, std::string>> fields = {
            {":method", method}, {":path", path}, {":scheme", "http"}, {":authority", "h:1"}};
        for (auto& field : more) fields.push_back(field);
        std::vector<nghttp2_nv> pairs;
        for (auto& [name, value] : fields) {
            pairs.push_back({reinterpret_cast<uint8_t*>(name.data()), reinterpret_cast<uint8_t*>(value.data()),
                             name.size(), value.size(), 0});
        }
        nghttp2_data_provider provider{};
        auto* source = new std::string(std::move(body));
        sources_.emplace_back(source);
        provider.source.ptr = source;
        provider.read_callback = ReadBody;
        return nghttp2_submit_request(session_, nullptr, pairs.data(), pairs.size(), source->empty() ? nullptr : &provider,
                                      nullptr);
    }
    // Everything both sides have to say.
    bool Exchange() {
        for (;;) {
            std::string out;
            const uint8_t* data = nullptr;
            while (ssize_t size = nghttp2_session_mem_send(session_, &data)) {
                if (size < 0) return false;
                out.append(reinterpret_cast<const char*>(data), static_cast<size_t>(size));
            }
            std::string in = out.empty() ? connection_.Receive() : connection_.Send(out);
            if (in.empty() && out.empty()) return true;
            if (nghttp2_session_mem_recv(session_, reinterpret_cast<const uint8_t*>(in.data()), in.size()) < 0) return false;
        }
    }
    nghttp2_session* session() { return session_; }
    std::map<int32_t, Answer> answers;
    bool goaway = false;

  private:
    static Client& Self(void* user) { return *static_cast<Client*>(user); }
    static int OnHeader(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name, size_t name_size,
                        const uint8_t* value, size_t value_size, uint8_t, void* user) {
        std::string field(reinterpret_cast<const char*>(name), name_size);
        std::string text(reinterpret_cast<const char*>(value), value_size);
        Answer& answer = Self(user).answers[frame->hd.stream_id];
        if (field == ":status" && text == "100") ++answer.interim;
        answer.fields[field] = text;
        return 0;
    }
    static int OnData(nghttp2_session*, uint8_t, int32_t id, const uint8_t* data, size_t size, void* user) {
        Self(user).answers[id].body.append(reinterpret_cast<const char*>(data), size);
        return 0;
    }
    static int OnClose(nghttp2_session*, int32_t id, uint32_t code, void* user) {
        Self(user).answers[id].closed = true;
        Self(user).answers[id].error = code;
        return 0;
    }
    static int OnFrame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
        if (frame->hd.type == NGHTTP2_GOAWAY) Self(user).goaway = true;
        return 0;
    }
    static ssize_t ReadBody(nghttp2_session*, int32_t, uint8_t* to, size_t room, uint32_t* flags,
                            nghttp2_data_source* source, void*) {
        auto& text = *static_cast<std::string*>(source->ptr);
        if (text == "never") return NGHTTP2_ERR_DEFERRED;
        size_t size = std::min(room, text.size());
        std::copy_n(text.data(), size, reinterpret_cast<char*>(to));
        text.erase(0, size);
        if (text.empty()) *flags |= NGHTTP2_DATA_FLAG_EOF;
        return static_cast<ssize_t>(size);
    }

    HttpTestConnection& connection_;
    nghttp2_session* session_ = nullptr;
    std::vector<std::unique_ptr<std::string>> sources_;
};

TEST(Http2Connection, PriorKnowledgeIsRecognisedAndRequestsAreAnswered) {
    Answers handler;
    HttpTestConnection connection(handler);
    Client client(connection);
    int32_t a = client.Ask("GET", "/a%2Fb?c=d");
    int32_t b = client.Ask("GET", "/none");
    int32_t c = client.Ask("HEAD", "/");
    ASSERT_TRUE(client.Exchange());
    EXPECT_EQ(client.answers[a].fields[":status"], "200");
    EXPECT_EQ(client.answers[a].fields["x-path"], "/a%2Fb?c=d");
    EXPECT_EQ(client.answers[a].body, "hello h:1");
    EXPECT_EQ(client.answers[a].fields.count("connection"), 0u);
    EXPECT_TRUE(client.answers[a].closed);
    EXPECT_EQ(client.answers[b].fields[":status"], "204");
    EXPECT_EQ(client.answers[c].fields["content-length"], "9");
    EXPECT_EQ(client.answers[c].body, "");
}

TEST(Http2Connection, AlpnNeedsNoPrefaceToBeGuessed) {
    Answers handler;
    StreamOrigin origin;
    origin.tls = true;
    origin.alpn = "h2";
    HttpTestConnection connection(handler, {}, origin);
    Client client(connection);
    int32_t id = client.Ask("GET", "/");
    ASSERT_TRUE(client.Exchange());
    EXPECT_EQ(client.answers[id].fields[":status"], "200");
}

TEST(Http2Connection, ABodyLargerThanEveryWindowGoesThroughAsItIsRead) {
    Answers handler;
    HttpLimits limits;
    limits.stream_window = 100'000;
    limits.connection_window = 150'000;
    HttpTestConnection connection(handler, limits);
    Client client(connection);
    std::string body;
    for (int i = 0; i < 3'000'000; ++i) body.push_back(static_cast<char>(i * 7 % 253));
    int32_t first = client.Ask("POST", "/echo", body);
    int32_t second = client.Ask("POST", "/echo", "small");
    ASSERT_TRUE(client.Exchange());
    EXPECT_TRUE(client.answers[first].body == body);
    EXPECT_EQ(client.answers[second].body, "small");
}

TEST(Http2Connection, ALongAnswerIsMadeAsTheClientReads) {
    Answers handler;
    HttpTestConnection connection(handler);
    Client client(connection);
    int32_t id = client.Ask("GET", "/source");
    ASSERT_TRUE(client.Exchange());
    EXPECT_EQ(client.answers[id].body.size(), 3'000'000u);
    EXPECT_TRUE(client.answers[id].closed);
    EXPECT_EQ(client.answers[id].error, 0u);
}

TEST(Http2Connection, ContinueIsSentWhenTheBodyIsFirstRead) {
    Answers handler;
    HttpTestConnection connection(handler);
    Client client(connection);
    int32_t id = client.Ask("POST", "/echo", "late", {{"expect", "100-continue"}});
    // The client of nghttp2 does not wait; the interim answer comes when the handler reads before the data is there.
    ASSERT_TRUE(client.Exchange());
    EXPECT_EQ(client.answers[id].body, "late");
}

TEST(Http2Connection, TwoNamesForTheHostAreRefused) {
    Answers handler;
    HttpTestConnection connection(handler);
    Client client(connection);
    int32_t id = client.Ask("GET", "/", "", {{"host", "other"}});
    int32_t same = client.Ask("GET", "/", "", {{"host", "h:1"}});
    ASSERT_TRUE(client.Exchange());
    EXPECT_EQ(client.answers[id].fields[":status"], "400");
    EXPECT_EQ(client.answers[same].fields[":status"], "200");
}

TEST(Http2Connection, ALargeHeadIsRefused) {
    Answers handler;
    HttpLimits limits;
    limits.head.bytes = 2000;
    HttpTestConnection connection(handler, limits);
    Client client(connection);
    int32_t id = client.Ask("GET", "/", "", {{"x-long", std::string(3000, 'x')}});
    ASSERT_TRUE(client.Exchange());
    EXPECT_EQ(client.answers[id].fields[":status"], "431");
    EXPECT_EQ(handler.requests, 0);
}

TEST(Http2Connection, AClientThatResetsStreamAfterStreamIsShownOut) {
    Answers handler;
    HttpTestConnection connection(handler);
    Client client(connection);
    for (int i = 0; i < 2000 && !connection.ended(); ++i) {
        int32_t id = client.Ask("POST", "/echo", "never");
        client.Exchange();
        nghttp2_submit_rst_stream(client.session(), 0, id, NGHTTP2_CANCEL);
        client.Exchange();
    }
    EXPECT_TRUE(client.goaway);
}

TEST(Http2Connection, AStoppingServerSaysGoodbyeAndEnds) {
    Answers handler;
    HttpTestConnection connection(handler);
    Client client(connection);
    int32_t id = client.Ask("GET", "/");
    ASSERT_TRUE(client.Exchange());
    EXPECT_TRUE(client.answers[id].closed);
    connection.StopWhenIdle();
    client.Exchange();
    EXPECT_TRUE(client.goaway);
    EXPECT_TRUE(connection.ended());
}

TEST(Http2Connection, GarbageEndsTheConnection) {
    Answers handler;
    HttpTestConnection connection(handler);
    connection.Send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + std::string(1000, '\xff'));
    connection.Receive();
    EXPECT_TRUE(connection.ended());
}

}  // namespace
}  // namespace wellhead::net
