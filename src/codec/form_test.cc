#include "codec/form.h"

#include <gtest/gtest.h>

#include <random>

namespace wellhead::codec {
namespace {

TEST(Form, FieldsAreDecodedOnceAndKeepTheirOrder) {
    auto form = Form::Parse("a=1&b=%26%3D+x&a=2&flag&empty=");
    ASSERT_TRUE(form.has_value());
    EXPECT_EQ(form->Get("a"), "1");
    EXPECT_EQ(form->Get("b"), "&= x");
    EXPECT_EQ(form->Find("flag"), "");
    EXPECT_FALSE(form->Find("none").has_value());
    EXPECT_EQ(Form::Parse("x=%2526")->Get("x"), "%26");
}

TEST(Form, WhatIsWrittenIsReadBack) {
    std::string bytes;
    for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
    Form form;
    form.Add(bytes, bytes);
    EXPECT_EQ(Form::Parse(form.ToString())->Get(bytes), bytes);
    EXPECT_EQ(PercentDecode(PercentEncode(bytes)), bytes);
    EXPECT_EQ(PercentDecode("a+b"), "a+b");
}

TEST(Form, MalformedTextIsRefused) {
    for (const char* bad : {"a=%", "a=%1", "a=%zz", "%g0=1"}) EXPECT_FALSE(Form::Parse(bad).has_value()) << bad;
    std::string many;
    for (int i = 0; i < 300; ++i) many += "a=1&";
    EXPECT_FALSE(Form::Parse(many).has_value());
    std::mt19937 random(5);
    for (int i = 0; i < 3000; ++i) {
        std::string text(random() % 60, '\0');
        for (char& c : text) c = "a=&%+1fZ\xff"[random() % 9];
        Form::Parse(text);
    }
}

}  // namespace
}  // namespace wellhead::codec
