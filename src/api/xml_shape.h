#pragma once
// Values of generated structs from XML and to it, by their shapes (Smithy's XML bindings).

#include <string>
#include <vector>

#include "api/shape.h"
#include "base/result.h"
#include "codec/xml.h"

namespace wellhead::api {

// Fills value, a T of shape, from the element. Unknown elements are passed over. kInvalidArgument: a text that is not of
// its kind, with its path. missing gets the paths of required members that were not found and show no sign of it.
base::Result<void> ReadXml(const codec::XmlElement& element, const Shape& shape, void* value, const std::string& path,
                           std::vector<std::string>& missing);
// The members that the body carries.
base::Result<void> ReadXmlMembers(const codec::XmlElement& element, const Structure& structure, void* value,
                                  const std::string& path, std::vector<std::string>& missing);

// <name>value</name>. attributes: what else the start tag says, with a space before it.
void WriteXml(std::string_view name, std::string_view attributes, const Shape& shape, const void* value,
              std::string& out);
// The members that the body carries, one element after the other; absent ones are left out.
void WriteXmlMembers(const Structure& structure, const void* value, std::string& out);

// A scalar's text, as XML, headers and queries have it. kInvalidArgument. value is a T of shape.
base::Result<void> ReadScalar(std::string_view text, const Shape& shape, void* value, const std::string& path);
std::string WriteScalar(const Shape& shape, const void* value, TimestampFormat otherwise);

}  // namespace wellhead::api
