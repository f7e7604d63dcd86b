#include "net/http1_parser.h"

#include <gtest/gtest.h>

#include <random>

namespace wellhead::net {
namespace {

std::expected<RequestHead, HttpViolation> Parse(std::string_view text) {
    HeadLimits limits;
    HeadFinder finder;
    auto found = finder.Find(text, limits);
    if (!found) return std::unexpected(found.error());
    if (!*found) return std::unexpected(HttpViolation{0, "incomplete"});
    return ParseRequestHead(text.substr(0, **found), limits);
}

int StatusOf(std::string_view text) {
    auto head = Parse(text);
    return head ? 200 : head.error().status;
}

TEST(Http1Parser, AnOrdinaryRequestIsRead) {
    auto head = Parse("PUT /a%2Fb?x=%20 HTTP/1.1\r\nHost: h:80\r\nX-Y:  z \r\nContent-Length: 5\r\nContent-Type:\r\n\r\n");
    ASSERT_TRUE(head.has_value());
    EXPECT_EQ(head->request.method, "PUT");
    EXPECT_EQ(head->request.target, "/a%2Fb?x=%20");
    EXPECT_EQ(head->request.path(), "/a%2Fb");
    EXPECT_EQ(head->request.query(), "x=%20");
    EXPECT_EQ(head->request.authority, "h:80");
    EXPECT_EQ(head->request.headers.Find("x-y"), "z");
    EXPECT_EQ(head->request.headers.Find("content-type"), "");
    EXPECT_EQ(head->length, 5u);
    EXPECT_TRUE(head->keep_alive);
}

TEST(Http1Parser, AbsoluteFormIsReducedAndItsAuthorityWins) {
    auto head = Parse("PUT http://a.example:81/b/k?q HTTP/1.1\r\nHost: other\r\n\r\n");
    ASSERT_TRUE(head.has_value());
    EXPECT_EQ(head->request.target, "/b/k?q");
    EXPECT_EQ(head->request.authority, "a.example:81");
    EXPECT_EQ(Parse("GET http://a HTTP/1.1\r\nHost: a\r\n\r\n")->request.target, "/");
    EXPECT_EQ(Parse("GET http://a?q HTTP/1.1\r\nHost: a\r\n\r\n")->request.target, "/?q");
}

TEST(Http1Parser, WhatTwoServersCouldReadInTwoWaysIsRefused) {
    struct Case {
        const char* text;
        int status;
    };
    const Case kCases[] = {
        {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n", 501},
        {"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n", 501},
        {"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0b" "chunked\r\n\r\n", 400},
        {"GET / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5 5\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\n\r\n", 400},
        {"GET / HTTP/1.1\nHost: a\n\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nX Y: x\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost:\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n\r\n", 400},
        {"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"GET / x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"GET /#f HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"G\tET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400},
        {"GET / http/1.1\r\nHost: a\r\n\r\n", 400},
        {"GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505},
        {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
        {"GET /\r\n\r\n", 400},
        {"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 405},
        {"GET / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\n\r\n", 417},
    };
    for (const Case& c : kCases) EXPECT_EQ(StatusOf(c.text), c.status) << c.text;
}

TEST(Http1Parser, ALargeHeadIsRefused) {
    std::string large = "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(70'000, 'x');
    EXPECT_EQ(StatusOf(large), 431);
    std::string many = "GET / HTTP/1.1\r\nHost: a\r\n";
    for (int i = 0; i < 300; ++i) many += "a: b\r\n";
    EXPECT_EQ(StatusOf(many + "\r\n"), 431);
}

TEST(Http1Parser, AHeadIsFoundInWhateverPiecesItComes) {
    std::string text = "GET / HTTP/1.1\r\nHost: a\r\n\r\nrest";
    HeadFinder finder;
    HeadLimits limits;
    for (size_t size = 0; size < text.size() - 4; ++size) {
        EXPECT_FALSE(finder.Find(std::string_view(text).substr(0, size), limits)->has_value()) << size;
    }
    EXPECT_EQ(finder.Find(text, limits).value(), text.size() - 4);
}

std::expected<std::string, int> Dechunk(std::string_view input, size_t piece, Headers* trailers = nullptr) {
    ChunkedDecoder decoder;
    std::string body;
    std::string buffer;
    while (!decoder.done()) {
        auto step = decoder.Decode(buffer);
        if (!step) return std::unexpected(step.error().status);
        body += step->data;
        size_t consumed = step->consumed;
        buffer.erase(0, consumed);
        if (consumed > 0 || decoder.done()) continue;
        if (input.empty()) return std::unexpected(0);
        buffer += input.substr(0, piece);
        input.remove_prefix(std::min(piece, input.size()));
    }
    if (trailers != nullptr) *trailers = decoder.trailers();
    return body;
}

TEST(ChunkedDecoder, ABodyComesOutWhateverThePieces) {
    std::string text = "5\r\nhello\r\nA;x=y\r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\n";
    for (size_t piece : {1u, 2u, 3u, 7u, 100u}) {
        Headers trailers;
        EXPECT_EQ(Dechunk(text, piece, &trailers), "hello0123456789") << piece;
        EXPECT_EQ(trailers.Find("x-sum"), "1");
    }
}

TEST(ChunkedDecoder, BadFramingIsRefused) {
    for (const char* bad : {"5\nhello", "5\r\nhelloX\r\n0\r\n\r\n", "x\r\n", "\r\n", "-1\r\n", "0x5\r\nhello\r\n",
                            "5 \x01\r\nhello", "10000000000000000\r\n", "5 5\r\nhello\r\n", "0\r\nbad trailer\r\n\r\n",
                            "0\r\n x: y\r\n\r\n", "5\r\nhello\n0\r\n\r\n"}) {
        EXPECT_EQ(Dechunk(bad, 100), std::unexpected(400)) << bad;
        EXPECT_EQ(Dechunk(bad, 1), std::unexpected(400)) << bad;
    }
    EXPECT_EQ(Dechunk(std::string(2000, '1'), 100), std::unexpected(400));
}

TEST(Http1Parser, MutatedRequestsNeverReadOutOfBounds) {
    const std::string seed =
        "POST http://h/a?b HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"
        "5;a=b\r\nhello\r\n0\r\nT: v\r\n\r\n";
    std::mt19937 random(7);
    for (int round = 0; round < 5000; ++round) {
        std::string text = seed;
        for (int i = 0; i < 3; ++i) {
            size_t at = random() % text.size();
            switch (random() % 3) {
                case 0: text[at] = static_cast<char>(random()); break;
                case 1: text.erase(at, random() % 5); break;
                default: text.insert(at, 1, "\r\n :;0\t"[random() % 7]);
            }
            if (text.empty()) text = "x";
        }
        auto head = Parse(text);
        EXPECT_FALSE(head && head->chunked && head->length);
        size_t end = text.find("\r\n\r\n");
        if (end != text.npos) Dechunk(std::string_view(text).substr(end + 4), 1 + random() % 9);
    }
}

}  // namespace
}  // namespace wellhead::net
