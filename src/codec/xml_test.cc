#include "codec/xml.h"

#include <gtest/gtest.h>

#include <random>

namespace wellhead::codec {
namespace {

TEST(Xml, GivesElementsAttributesAndText) {
    auto root = ParseXml("<?xml version=\"1.0\"?><s:Delete xmlns:s=\"x\"><Object><Key>a&amp;b &#x41;</Key></Object>"
                         "<!-- no --><Grantee xsi:type=\"User\"/><Space> </Space></s:Delete>");
    ASSERT_TRUE(root);
    EXPECT_EQ(root->name, "Delete");
    EXPECT_EQ(root->Child("Object")->Child("Key")->text, "a&b A");
    EXPECT_EQ(root->Child("Grantee")->attributes.at(0), (std::pair<std::string, std::string>("xsi:type", "User")));
    EXPECT_EQ(root->Child("Space")->text, " ");
    EXPECT_EQ(root->Child("None"), nullptr);
}

TEST(Xml, WhatIsNotWellFormedIsRefused) {
    std::string deep;
    for (int i = 0; i < 100; ++i) deep += "<a>";
    for (int i = 0; i < 100; ++i) deep += "</a>";
    for (const std::string& bad : {std::string(), std::string("text"), std::string("<a>"), std::string("<a></b>"),
                                   std::string("<a/><b/>"), deep}) {
        EXPECT_FALSE(ParseXml(bad)) << bad;
    }
}

TEST(Xml, EntitiesOfADocumentTypeAreNotExpanded) {
    auto root = ParseXml("<!DOCTYPE a [<!ENTITY x \"boom\"><!ENTITY f SYSTEM \"file:///etc/passwd\">]><a>&x;&f;</a>");
    EXPECT_TRUE(!root || root->text == "&x;&f;");
}

TEST(Xml, EscapedTextComesBack) {
    std::string all;
    for (int c = 1; c < 256; ++c) all += static_cast<char>(c < 0x80 ? c : 'x');
    std::string out = "<a>";
    AppendXmlEscaped(out, all);
    EXPECT_EQ(ParseXml(out + "</a>")->text, all);
}

TEST(Xml, MutatedDocumentsNeverCrash) {
    std::mt19937 seeded(5);  // NOLINT: a test's own sequence
    const std::string good = "<a x=\"1\"><b>t&lt;</b><![CDATA[c]]><!-- d --><c/></a>";
    for (int i = 0; i < 5000; ++i) {
        std::string bytes = good;
        for (int j = 0; j < 3; ++j) bytes[seeded() % bytes.size()] = static_cast<char>(seeded());
        (void)ParseXml(bytes);
    }
}

}  // namespace
}  // namespace wellhead::codec
