#pragma once
// What a statement compiles to: a tree of nodes, each giving a Value for the message at hand.

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "sql/ast.h"
#include "sql/iot/parser.h"
#include "sql/iot/regex.h"
#include "sql/iot/statement.h"
#include "sql/iot/value.h"

namespace wellhead::sql::iot {

class Node;
using NodePtr = std::unique_ptr<Node>;

// What SET gives names to; each is evaluated at most once a message.
struct Variables {
    Variables();
    ~Variables();
    // Null when there is none of that name.
    const size_t* Find(const std::string& name) const;
    std::map<std::string, size_t> index;
    std::vector<NodePtr> nodes;
    bool needs_json = false;
};

// The evaluator's memory: the message, its document once parsed, and what was made meanwhile.
struct Evaluator::State {
    explicit State(Surroundings& given) : surroundings(given) {}

    // Undefined when the payload is not JSON.
    const Value& Document();
    bool is_json() { return Document().defined(); }
    std::string NewUuid();
    double RandomFraction();
    const Value& VariableValue(const Variables& of, size_t index);

    Surroundings& surroundings;
    const MessageView* message = nullptr;
    Arena arena;
    RegexCache regexes;
    std::string trace_id;
    std::string parse_problem;

  private:
    friend class Evaluator;
    std::array<unsigned char, 32> Drawn();
    simdjson::dom::parser parser_;
    uint32_t drawn_ = 0;  // from the seed
    std::string widened_;
    Value document_;
    bool parsed_ = false;
    const Variables* variables_ = nullptr;  // those that values_ belong to
    std::vector<std::optional<Value>> values_;
};

// Where names look: the payload's document, or an item of it in a nested query.
struct Scope {
    Evaluator::State& state;
    const Value* item = nullptr;

    const Value& Root() { return item != nullptr ? *item : state.Document(); }
};

class Node {
  public:
    virtual ~Node() = default;
    virtual Value Eval(Scope& scope) const = 0;
};

struct Call {
    Evaluator::State& state;
    std::span<const Value> arguments;
};
using Function = Value (*)(const Call&);

struct FunctionEntry {
    Function function = nullptr;
    int fewest = 0;
    int most = 0;
    // '*' as an argument means the payload's bytes, JSON or not.
    bool takes_raw_payload = false;
};
// By lower-case name; null when there is none.
const FunctionEntry* FindFunction(std::string_view name);
// Functions of the language that need a service which is not served, e.g. "aws_lambda".
bool IsExternalFunction(std::string_view name);

// The arithmetic and comparison operators of two values.
Value Operate(BinaryOperator op, const Value& left, const Value& right, Arena& arena);

struct CompiledItem {
    bool star = false;
    NodePtr value;                  // null for *
    std::vector<std::string> path;  // AS a.b
};

struct CompiledQuery {
    bool value_only = false;
    std::vector<CompiledItem> items;
    NodePtr from;
    NodePtr where;
    bool needs_json = false;
    // Every path is one name and no two are the same: members can be written one after the other.
    bool plain_names = true;
};

struct Program {
    std::shared_ptr<const Variables> variables;  // null without SET
    CompiledQuery query;
    struct Piece {
        std::string text;
        NodePtr value;  // null: text as it is; otherwise text is the expression's source
    };
    std::vector<Piece> pieces;
    bool needs_json = false;
};

// Of a number as a statement has it; nothing when it is out of range.
std::optional<Value> NumberOf(const Literal& literal);
Parsed<std::shared_ptr<const Variables>> CompileVariables(const std::vector<VariableText>& variables);
// variables may be null; they outlive what is compiled.
Parsed<CompiledQuery> CompileQuery(const DocumentQuery& query, const Variables* variables);
struct CompiledExpression {
    NodePtr node;
    bool needs_json = false;
};
Parsed<CompiledExpression> CompileExpression(const Expression& expression, const Variables* variables);

// The item or members that a query gives for one document or item; Undefined when WHERE does not hold.
Value BuildResult(const CompiledQuery& query, Scope& scope);

}  // namespace wellhead::sql::iot
