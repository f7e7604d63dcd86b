#include "api/rest_binding.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "api/uri.h"
#include "api/values.h"
#include "api/xml_shape.h"
#include "codec/base64.h"

namespace wellhead::api {

namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

const std::string* Find(const Pairs& pairs, std::string_view name) {
    for (const auto& [key, value] : pairs) {
        if (key == name) return &value;
    }
    return nullptr;
}

// The path of the request against the template's: "/{Bucket}/{Key+}".
bool MatchPath(std::string_view pattern, std::string_view path,
               std::vector<std::pair<std::string_view, std::string>>& labels) {
    labels.clear();
    while (!pattern.empty()) {
        pattern.remove_prefix(1);
        if (path.empty()) return pattern.empty();
        path.remove_prefix(1);
        size_t pattern_end = std::min(pattern.find('/'), pattern.size());
        std::string_view segment = pattern.substr(0, pattern_end);
        pattern.remove_prefix(pattern_end);
        const bool label = segment.starts_with('{');
        const bool greedy = segment.ends_with("+}");
        size_t path_end = greedy && pattern.empty() ? path.size() : std::min(path.find('/'), path.size());
        std::string_view given = path.substr(0, path_end);
        path.remove_prefix(path_end);
        if (!label) {
            if (given != segment) return false;
            continue;
        }
        auto decoded = UriDecode(given);
        if (!decoded || given.empty()) return false;
        labels.emplace_back(segment.substr(1, segment.size() - (greedy ? 3 : 2)), std::move(*decoded));
    }
    // "/bucket/" is the bucket.
    return path.empty() || path == "/";
}

// How many of the template's literal query keys are there; -1 when one is missing.
int MatchLiterals(std::string_view literals, const Pairs& query) {
    int count = 0;
    while (!literals.empty()) {
        size_t end = std::min(literals.find('&'), literals.size());
        std::string_view one = literals.substr(0, end);
        literals.remove_prefix(std::min(end + 1, literals.size()));
        size_t equals = std::min(one.find('='), one.size());
        const std::string* value = Find(query, one.substr(0, equals));
        if (value == nullptr) return -1;
        if (equals < one.size() && *value != one.substr(equals + 1)) return -1;
        ++count;
    }
    return count;
}

int MatchRequired(const Structure& input, const WireRequest& request, const Pairs& query) {
    int count = 0;
    for (const Member& member : input.members) {
        if (!member.required) continue;
        if (member.place == Place::kQuery && Find(query, member.wire) == nullptr) return -1;
        if (member.place == Place::kHeader && Find(request.headers, member.wire) == nullptr) return -1;
        count += member.place == Place::kQuery || member.place == Place::kHeader;
    }
    return count;
}

std::string_view PathOf(std::string_view uri) { return uri.substr(0, uri.find('?')); }
std::string_view LiteralsOf(std::string_view uri) {
    size_t question = uri.find('?');
    return question == std::string_view::npos ? std::string_view() : uri.substr(question + 1);
}

// Paths with more literal text go first: "/things/{name}/shadow" before "/things/{name+}".
int LiteralText(std::string_view path) {
    int count = 0;
    bool inside = false;
    for (char c : path) {
        if (c == '{') inside = true;
        count += !inside && c != '/';
        if (c == '}') inside = false;
    }
    return count;
}

// Values that commas separate; quoted ones may hold commas.
std::vector<std::string> SplitList(std::string_view text) {
    std::vector<std::string> items;
    std::string item;
    bool quoted = false;
    for (char c : text) {
        if (c == '"') {
            quoted = !quoted;
        } else if (c == ',' && !quoted) {
            items.push_back(std::exchange(item, ""));
        } else if (c != ' ' || quoted || !item.empty()) {
            item += c;
        }
    }
    if (!item.empty() || !items.empty()) items.push_back(item);
    return items;
}

base::Result<void> ReadHeader(const std::string& text, const Member& member, void* structure) {
    const Shape& shape = *member.shape;
    const std::string name(member.name);
    if (shape.kind == Kind::kList) {
        void* list = member.Emplace(structure);
        // A date has a comma of its own.
        if (shape.list->element->kind == Kind::kTimestamp) {
            return ReadScalar(text, *shape.list->element, shape.list->ops->append(list), name);
        }
        for (const auto& item : SplitList(text)) {
            RETURN_IF_ERROR(ReadScalar(item, *shape.list->element, shape.list->ops->append(list), name));
        }
        return {};
    }
    if (member.json_value && shape.kind == Kind::kString) {
        auto decoded = codec::DecodeBase64(text);
        if (!decoded) return base::Fail(base::ErrorCode::kInvalidArgument, name + " is not base64");
        *static_cast<std::string*>(member.Emplace(structure)) = std::move(*decoded);
        return {};
    }
    // Sent empty it is not there, but for a string.
    if (text.empty() && shape.kind != Kind::kString) return {};
    return ReadScalar(text, shape, member.Emplace(structure), name);
}

// A map takes what no other member of the query took.
base::Result<void> ReadQueryMap(const Structure& input, const Member& member, const Pairs& query, void* structure) {
    const MapType& map = *member.shape->map;
    void* value = member.Emplace(structure);
    for (const auto& [key, text] : query) {
        bool taken = std::any_of(input.members.begin(), input.members.end(), [&](const Member& other) {
            return other.place == Place::kQuery && other.wire == key;
        });
        if (taken) continue;
        void* at = map.ops->emplace(value, key);
        if (map.value->kind == Kind::kList) at = map.value->list->ops->append(at);
        const Shape& shape = map.value->kind == Kind::kList ? *map.value->list->element : *map.value;
        RETURN_IF_ERROR(ReadScalar(text, shape, at, key));
    }
    return {};
}

base::Result<void> ReadQueryMember(const Structure& input, const Member& member, const Pairs& query,
                                   void* structure) {
    if (member.shape->kind == Kind::kMap) return ReadQueryMap(input, member, query, structure);
    void* list = nullptr;
    for (const auto& [key, text] : query) {
        if (key != member.wire) continue;
        const std::string name(member.name);
        if (member.shape->kind == Kind::kList) {
            if (list == nullptr) list = member.Emplace(structure);
            RETURN_IF_ERROR(ReadScalar(text, *member.shape->list->element, member.shape->list->ops->append(list), name));
            continue;
        }
        if (text.empty() && member.shape->kind != Kind::kString) return {};
        return ReadScalar(text, *member.shape, member.Emplace(structure), name);
    }
    return {};
}

struct HeaderMapWriting {
    std::string_view prefix;
    const Shape* shape;
    WireResponse* response;
};
void WriteHeaderMapEntry(void* state, const std::string& key, const void* value) {
    const auto& writing = *static_cast<HeaderMapWriting*>(state);
    writing.response->headers.emplace_back(std::string(writing.prefix) + key,
                                           WriteScalar(*writing.shape, value, TimestampFormat::kHttpDate));
}

void WriteHeader(const Member& member, const void* value, WireResponse& response) {
    const Shape& shape = *member.shape;
    std::string text;
    if (shape.kind == Kind::kList) {
        for (size_t i = 0; i < shape.list->ops->size(value); ++i) {
            if (i > 0) text += ", ";
            text += WriteScalar(*shape.list->element, shape.list->ops->at(value, i), TimestampFormat::kHttpDate);
        }
    } else {
        text = WriteScalar(shape, value, TimestampFormat::kHttpDate);
        if (member.json_value) text = codec::EncodeBase64(text);
    }
    response.headers.emplace_back(std::string(member.wire), std::move(text));
}

}  // namespace

Pairs ParseQuery(std::string_view query) {
    Pairs pairs;
    while (!query.empty()) {
        size_t end = std::min(query.find('&'), query.size());
        std::string one(query.substr(0, end));
        query.remove_prefix(std::min(end + 1, query.size()));
        if (one.empty()) continue;
        std::replace(one.begin(), one.end(), '+', ' ');
        size_t equals = std::min(one.find('='), one.size());
        std::string_view text = one;
        auto key = UriDecode(text.substr(0, equals));
        auto value = UriDecode(text.substr(std::min(equals + 1, text.size())));
        if (key && value) pairs.emplace_back(std::move(*key), std::move(*value));
    }
    return pairs;
}

RestMatch MatchRest(const Model& model, const WireRequest& request) {
    const Pairs query = ParseQuery(request.query);
    RestMatch best;
    std::pair<int, int> best_rank{-1, -1};
    std::vector<std::pair<std::string_view, std::string>> labels;
    for (size_t i = 0; i < model.operations.size(); ++i) {
        const Operation& operation = model.operations[i];
        if (operation.method != request.method || !MatchPath(PathOf(operation.uri), request.path, labels)) continue;
        int literals = MatchLiterals(LiteralsOf(operation.uri), query);
        int required = MatchRequired(*operation.input, request, query);
        if (literals < 0 || required < 0) continue;
        std::pair<int, int> rank{LiteralText(PathOf(operation.uri)), literals + required};
        if (rank <= best_rank) continue;
        best_rank = rank;
        best.operation = &operation;
        best.index = i;
        best.labels = labels;
    }
    for (const Unserved& unserved : model.unserved) {
        if (unserved.method != request.method || !MatchPath(PathOf(unserved.uri), request.path, labels)) continue;
        int literals = MatchLiterals(LiteralsOf(unserved.uri), query);
        std::pair<int, int> rank{LiteralText(PathOf(unserved.uri)), literals};
        if (literals < 0 || rank <= best_rank) continue;
        best_rank = rank;
        best.operation = nullptr;
        best.unserved = unserved.name;
    }
    return best;
}

base::Result<void> ReadRestMembers(const Structure& input, const RestMatch& match, const WireRequest& request,
                                   void* value, std::vector<std::string>& missing) {
    const Pairs query = ParseQuery(request.query);
    for (const Member& member : input.members) {
        switch (member.place) {
            case Place::kUri:
                for (const auto& [label, text] : match.labels) {
                    if (label != member.wire) continue;
                    RETURN_IF_ERROR(ReadScalar(text, *member.shape, member.Emplace(value), std::string(member.name)));
                }
                break;
            case Place::kQuery:
                RETURN_IF_ERROR(ReadQueryMember(input, member, query, value));
                if (member.required && Find(query, member.wire) == nullptr) missing.emplace_back(member.name);
                break;
            case Place::kHeader:
                if (const std::string* text = Find(request.headers, member.wire)) {
                    RETURN_IF_ERROR(ReadHeader(*text, member, value));
                } else if (member.required) {
                    missing.emplace_back(member.name);
                }
                break;
            case Place::kHeaderMap: {
                void* map = nullptr;
                for (const auto& [name, text] : request.headers) {
                    if (!name.starts_with(member.wire)) continue;
                    if (map == nullptr) map = member.Emplace(value);
                    void* at = member.shape->map->ops->emplace(map, name.substr(member.wire.size()));
                    RETURN_IF_ERROR(ReadScalar(text, *member.shape->map->value, at, name));
                }
                break;
            }
            case Place::kStatusCode:
            case Place::kBody: break;
        }
    }
    return {};
}

void WriteRestMembers(const Structure& output, const void* value, WireResponse& response) {
    for (const Member& member : output.members) {
        const void* at = member.place == Place::kBody ? nullptr : member.Get(value);
        if (at == nullptr) continue;
        if (member.place == Place::kHeader) WriteHeader(member, at, response);
        if (member.place == Place::kStatusCode) response.status = *static_cast<const int32_t*>(at);
        if (member.place == Place::kHeaderMap) {
            HeaderMapWriting writing{member.wire, member.shape->map->value, &response};
            member.shape->map->ops->each(at, &writing, WriteHeaderMapEntry);
        }
    }
}

}  // namespace wellhead::api
