#include "pipeline/yaml.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <charconv>
#include <optional>

namespace wellhead::pipeline {

namespace {

namespace json = boost::json;
using base::ErrorCode;
using base::Result;

constexpr int kDepthLimit = 64;
// Aliases make a small text a huge tree.
constexpr size_t kNodeLimit = 100'000;

std::unexpected<base::Error> FailAt(const YAML::Mark& mark, std::string_view what) {
    return base::Fail(ErrorCode::kInvalidArgument,
                      fmt::format("line {}, column {}: {}", mark.line + 1, mark.column + 1, what));
}

json::value PlainScalar(const std::string& text) {
    if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") {
        return nullptr;
    }
    if (text == "true" || text == "True" || text == "TRUE") return true;
    if (text == "false" || text == "False" || text == "FALSE") return false;
    const char* end = text.data() + text.size();
    // A leading zero is an identifier (an account number), not a number.
    bool leading_zero = text.size() > 1 && text[0] == '0' && text[1] != '.';
    bool numeric =
        !leading_zero && text.find_first_not_of("0123456789.eE+-") == std::string::npos;
    if (!numeric) return json::value(json::string(text));
    int64_t integer = 0;
    if (auto [at, error] = std::from_chars(text.data(), end, integer);
        error == std::errc() && at == end) {
        return integer;
    }
    double number = 0;
    if (auto [at, error] = std::from_chars(text.data(), end, number);
        error == std::errc() && at == end) {
        return number;
    }
    return json::value(json::string(text));
}

// "!Sub" -> "Fn::Sub"; nothing for an ordinary tag.
std::optional<std::string> IntrinsicOf(const std::string& tag) {
    if (tag.size() < 2 || tag[0] != '!' || tag[1] == '!') return std::nullopt;
    std::string name = tag.substr(1);
    if (name == "Ref" || name == "Condition") return name;
    return "Fn::" + name;
}

class Reader {
  public:
    Result<json::value> Read(const YAML::Node& node, int depth) {
        if (depth > kDepthLimit) return FailAt(node.Mark(), "nested too deeply");
        if (++nodes_ > kNodeLimit) return FailAt(node.Mark(), "too many values");
        ASSIGN_OR_RETURN(json::value value, Untagged(node, depth));
        auto intrinsic = IntrinsicOf(node.Tag());
        if (!intrinsic) return value;
        if (*intrinsic == "Fn::GetAtt" && value.is_string()) {
            std::string path(value.get_string());
            size_t dot = path.find('.');
            if (dot == std::string::npos) {
                return FailAt(node.Mark(), "!GetAtt needs Resource.Attribute");
            }
            value = json::array{path.substr(0, dot), path.substr(dot + 1)};
        }
        json::object function;
        function[*intrinsic] = std::move(value);
        return json::value(std::move(function));
    }

  private:
    Result<json::value> Untagged(const YAML::Node& node, int depth) {
        switch (node.Type()) {
            case YAML::NodeType::Undefined:
            case YAML::NodeType::Null: return json::value(nullptr);
            case YAML::NodeType::Scalar:
                // yaml-cpp tags quoted scalars "!"; a tagged one (an intrinsic's argument) is text.
                if (node.Tag() == "?" || node.Tag().empty()) return PlainScalar(node.Scalar());
                return json::value(json::string(node.Scalar()));
            case YAML::NodeType::Sequence: {
                json::array array;
                for (const auto& item : node) {
                    ASSIGN_OR_RETURN(json::value value, Read(item, depth + 1));
                    array.push_back(std::move(value));
                }
                return json::value(std::move(array));
            }
            case YAML::NodeType::Map: return ReadMap(node, depth);
        }
        return FailAt(node.Mark(), "not a YAML value");
    }

    Result<json::value> ReadMap(const YAML::Node& node, int depth) {
        json::object object;
        for (const auto& entry : node) {
            if (!entry.first.IsScalar()) return FailAt(entry.first.Mark(), "a key must be text");
            const std::string& key = entry.first.Scalar();
            if (object.contains(key)) {
                return FailAt(entry.first.Mark(), fmt::format("{} stands twice", key));
            }
            ASSIGN_OR_RETURN(json::value value, Read(entry.second, depth + 1));
            object[key] = std::move(value);
        }
        return json::value(std::move(object));
    }

    size_t nodes_ = 0;
};

}  // namespace

Result<json::value> ParseYaml(std::string_view text) {
    try {
        YAML::Node root = YAML::Load(std::string(text));
        return Reader().Read(root, 0);
    } catch (const YAML::Exception& error) {
        return FailAt(error.mark, error.msg);
    }
}

}  // namespace wellhead::pipeline
