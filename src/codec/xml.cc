#include "codec/xml.h"

#include <fmt/format.h>

#include <pugixml.hpp>

namespace wellhead::codec {

namespace {

constexpr int kDeepest = 64;

std::string_view WithoutPrefix(std::string_view name) {
    size_t colon = name.find(':');
    return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

base::Result<XmlElement> Convert(pugi::xml_node node, int depth) {
    if (depth > kDeepest) return base::Fail(base::ErrorCode::kInvalidArgument, "XML is nested too deep");
    XmlElement element;
    element.name = WithoutPrefix(node.name());
    for (pugi::xml_attribute attribute : node.attributes()) {
        element.attributes.emplace_back(attribute.name(), attribute.value());
    }
    for (pugi::xml_node child : node.children()) {
        if (child.type() == pugi::node_pcdata || child.type() == pugi::node_cdata) {
            element.text += child.value();
        } else if (child.type() == pugi::node_element) {
            ASSIGN_OR_RETURN(XmlElement converted, Convert(child, depth + 1));
            element.children.push_back(std::move(converted));
        }
    }
    return element;
}

}  // namespace

const XmlElement* XmlElement::Child(std::string_view child_name) const {
    for (const auto& child : children) {
        if (child.name == child_name) return &child;
    }
    return nullptr;
}

base::Result<XmlElement> ParseXml(base::ByteView document) {
    pugi::xml_document parsed;
    // Space counts where it is all that an element holds (a key may be a space).
    auto result = parsed.load_buffer(document.data(), document.size(),
                                     pugi::parse_cdata | pugi::parse_escapes | pugi::parse_ws_pcdata_single |
                                         pugi::parse_eol,
                                     pugi::encoding_utf8);
    if (!result) {
        return base::Fail(base::ErrorCode::kInvalidArgument,
                          fmt::format("XML is not well-formed at byte {}: {}", result.offset, result.description()));
    }
    pugi::xml_node root = parsed.document_element();
    if (!root || root.next_sibling()) {
        return base::Fail(base::ErrorCode::kInvalidArgument, "XML has not exactly one root element");
    }
    return Convert(root, 1);
}

void AppendXmlEscaped(std::string& out, std::string_view text) {
    for (char c : text) {
        switch (c) {
            case '&': out += "&amp;"; break;
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '"': out += "&quot;"; break;
            default:
                if (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') {
                    out += fmt::format("&#x{:x};", static_cast<unsigned char>(c));
                } else {
                    out += c;
                }
        }
    }
}

}  // namespace wellhead::codec
