#pragma once
// XML documents as the AWS protocols use them: elements, attributes, text. No DTDs, no external entities.

#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace wellhead::codec {

struct XmlElement {
    std::string name;                                             // without a namespace prefix
    std::vector<std::pair<std::string, std::string>> attributes;  // names as written: "xsi:type"
    std::string text;                                             // of this element itself
    std::vector<XmlElement> children;

    const XmlElement* Child(std::string_view child_name) const;
};

// The root element. kInvalidArgument: not well-formed, or nested deeper than 64 levels.
base::Result<XmlElement> ParseXml(base::ByteView document);

// As text or in an attribute; characters that XML takes as space or cannot hold go as references.
void AppendXmlEscaped(std::string& out, std::string_view text);

}  // namespace wellhead::codec
