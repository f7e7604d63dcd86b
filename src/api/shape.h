#pragma once
// The shapes of an API as constant tables, which the generator fills and the protocol codecs walk. A codec is written
// once against these tables, not instantiated per struct: that keeps the build of a thousand shapes short.

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>

namespace wellhead::api {

enum class Kind : uint8_t {
    kString,       // std::string
    kInteger,      // int32_t
    kLong,         // int64_t
    kDouble,       // double
    kBoolean,      // bool
    kBlob,         // Blob
    kTimestamp,    // Timestamp
    kDocument,     // Document
    kStream,       // StreamBody
    kStructure,    // the generated struct
    kList,         // std::vector<T>
    kMap,          // std::map<std::string, T>
    kEventStream,  // EventStream<Event>
};

// Where a REST protocol carries a member of an operation's input or output.
enum class Place : uint8_t { kBody, kUri, kQuery, kHeader, kHeaderMap, kStatusCode };

enum class TimestampFormat : uint8_t { kOfProtocol, kEpochSeconds, kIso8601, kHttpDate };

class Pattern;
struct Structure;

// What the model demands of a value. The length of a string is in code points, of a blob in bytes.
struct Constraint {
    static constexpr int64_t kNoMin = std::numeric_limits<int64_t>::min();
    static constexpr int64_t kNoMax = std::numeric_limits<int64_t>::max();
    int64_t min = kNoMin;
    int64_t max = kNoMax;
    Pattern* pattern = nullptr;
    std::span<const std::string_view> values{};  // of an enum
};

struct ListType;
struct MapType;
struct EventStreamType;

struct Shape {
    Kind kind;
    TimestampFormat timestamp = TimestampFormat::kOfProtocol;
    bool constrained = false;  // this or something in it has a Constraint or is required
    std::string_view name{};     // in the model
    const Constraint* constraint = nullptr;
    const Structure* structure = nullptr;
    const ListType* list = nullptr;
    const MapType* map = nullptr;
    const EventStreamType* events = nullptr;
};

// Operations on a std::vector<T> whose T is not known here.
struct ListOps {
    size_t (*size)(const void* list);
    const void* (*at)(const void* list, size_t index);
    void* (*append)(void* list);
    void (*clear)(void* list);
};

struct ListType {
    const Shape* element;
    std::string_view element_name{};  // in XML: "member" unless the model says otherwise
    bool flattened = false;
    const ListOps* ops = nullptr;
};

// Operations on a std::map<std::string, T>. A cursor is an iterator's node: null at the end.
struct MapOps {
    size_t (*size)(const void* map);
    // Calls visit(state, key, value) for each entry in order.
    void (*each)(const void* map, void* state,
                 void (*visit)(void* state, const std::string& key, const void* value));
    // The value at key, made or emptied.
    void* (*emplace)(void* map, std::string key);
    void (*clear)(void* map);
};

struct MapType {
    const Shape* key;
    const Shape* value;
    std::string_view key_name{};  // in XML and query: "key" and "value" unless the model says otherwise
    std::string_view value_name{};
    bool flattened = false;
    const MapOps* ops = nullptr;
};

// How a member that need not be there holds its value (std::optional or std::shared_ptr). Null: a plain T.
struct HoldOps {
    const void* (*get)(const void* holder);  // null when empty
    void* (*emplace)(void* holder);          // a new, empty value
};

struct Member {
    std::string_view name{};  // in the model and in C++
    std::string_view wire{};  // in the body, the query or the header (lower-case)
    const Shape* shape;
    uint32_t offset;
    const HoldOps* hold = nullptr;
    Place place = Place::kBody;
    bool required = false;
    bool flattened = false;
    bool xml_attribute = false;
    bool json_value = false;         // a string that holds JSON; base64 in a header
    bool idempotency_token = false;  // a remote client fills it in
    std::string_view xml_prefix{};     // with xml_namespace: declared on the member's element
    std::string_view xml_namespace{};

    // The value, or null when there is none.
    const void* Get(const void* structure) const {
        const void* at = static_cast<const char*>(structure) + offset;
        return hold == nullptr ? at : hold->get(at);
    }
    void* Emplace(void* structure) const {
        void* at = static_cast<char*>(structure) + offset;
        return hold == nullptr ? at : hold->emplace(at);
    }
};

struct Structure {
    static constexpr size_t kMaxMembers = 128;
    std::string_view name{};
    std::span<const Member> members{};
    int payload = -1;  // the member that is the whole body (REST), or -1
    bool is_union = false;
    bool has_body = false;  // some member is carried in the body
    std::string_view xml_name{};
    std::string_view xml_namespace{};
    void* (*create)() = nullptr;
    void (*destroy)(void*) = nullptr;

    const Member* payload_member() const {
        return payload < 0 ? nullptr : &members[static_cast<size_t>(payload)];
    }
    // Finds a member of the body by its wire name; hint is the index to try first and is moved on.
    const Member* FindBody(std::string_view wire, size_t& hint) const {
        for (size_t i = 0; i < members.size(); ++i) {
            size_t at = hint + i;
            if (at >= members.size()) at -= members.size();
            if (members[at].wire == wire && members[at].place == Place::kBody) {
                hint = at + 1 == members.size() ? 0 : at + 1;
                return &members[at];
            }
        }
        return nullptr;
    }
};

// Owns a value of a generated struct.
class Value {
  public:
    explicit Value(const Structure& type) : type_(type), data_(type.create()) {}
    ~Value() { type_.destroy(data_); }
    Value(const Value&) = delete;
    Value& operator=(const Value&) = delete;
    void* get() { return data_; }
    const void* get() const { return data_; }

  private:
    const Structure& type_;
    void* data_;
};

enum class Protocol : uint8_t { kJson, kRestJson, kRestXml, kQuery };

struct Operation {
    std::string_view name{};
    std::string_view method{};
    std::string_view uri{};  // template, with literal query keys: "/{Bucket}/{Key+}?uploads"
    int status = 200;      // of success
    bool unsigned_allowed = false;
    const Structure* input;
    const Structure* output;
    std::string_view input_xml_name{};  // of the request's root element, for the remote client
    std::string_view input_xml_namespace{};
    std::string_view result_wrapper{};  // query protocol
};

// An operation of the API that is not generated: refused by its name.
struct Unserved {
    std::string_view name{};
    std::string_view method{};
    std::string_view uri{};
};

struct ErrorShape {
    std::string_view code{};
    int http_status;
    std::string_view message_member{};  // "message" or "Message"
};

struct Model {
    std::string_view name{};  // "kinesis": the folder in apis/
    Protocol protocol;
    std::string_view signing_name{};
    std::string_view target_prefix{};  // awsJson
    std::string_view json_version{};
    std::string_view api_version{};
    std::string_view xml_namespace{};
    std::string_view validation_error{};  // the code for input that breaks a constraint
    bool strict_enums = true;           // an unknown enum value is refused
    std::span<const Operation> operations{};
    std::span<const Unserved> unserved{};
    std::span<const ErrorShape> errors{};
};

}  // namespace wellhead::api
