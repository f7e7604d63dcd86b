#pragma once
// The expression tree shared by every SQL dialect of this program, and the query that nests in it. A dialect's parser
// makes only the nodes its language has; whoever walks a tree handles those and refuses the others by name.

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "sql/lexer.h"

namespace wellhead::sql {

struct Expression;
struct Query;
using ExpressionPtr = std::unique_ptr<Expression>;
// Shared so that the tree of expressions does not need the query's definition; owned by one node.
using QueryPtr = std::shared_ptr<Query>;

struct Identifier {
    std::string text;
    bool quoted = false;
    friend bool operator==(const Identifier&, const Identifier&) = default;
};

// varchar(10), decimal(10, 2), array(bigint), map(varchar, bigint), row(a bigint, b varchar), timestamp(3).
struct TypeName {
    std::string name;  // lower-case
    std::vector<std::string> numbers;
    std::vector<TypeName> arguments;
    std::vector<Identifier> field_names;  // of row; as many as arguments
};

enum class LiteralKind {
    kNull,
    kBoolean,   // text "true" or "false"
    kString,    // text is the value
    kInteger,   // text as written
    kDecimal,
    kDouble,
    kTyped,     // DATE '...', TIMESTAMP '...': type says which, text is the string
    kInterval,  // INTERVAL '1' DAY [TO SECOND]: type is the unit as written, text the string
    kBinary,    // X'...': text are the digits
};
struct Literal {
    LiteralKind kind = LiteralKind::kNull;
    std::string text;
    std::string type;
};
// a, t.a, "S"."t"."a": a dialect decides which part is a table and which a field.
struct NameReference {
    std::vector<Identifier> parts;
};
struct Star {
    std::vector<Identifier> qualifier;  // t in t.*
};
struct Parameter {
    int index = 0;  // the n-th '?', from 0
};
// base.field where base is more than a name: get(x, 0).v
struct MemberAccess {
    ExpressionPtr base;
    Identifier field;
};
struct ElementAccess {
    ExpressionPtr base;
    ExpressionPtr index;
};
enum class UnaryOperator { kNot, kMinus, kPlus };
struct Unary {
    UnaryOperator op;
    ExpressionPtr operand;
};
enum class BinaryOperator {
    kOr,
    kAnd,
    kEqual,
    kNotEqual,
    kLess,
    kLessOrEqual,
    kGreater,
    kGreaterOrEqual,
    kAdd,
    kSubtract,
    kMultiply,
    kDivide,
    kModulo,
    kConcat,
    kIsDistinctFrom,
    kIsNotDistinctFrom,
};
struct Binary {
    BinaryOperator op;
    ExpressionPtr left;
    ExpressionPtr right;
};
struct Between {
    ExpressionPtr value, low, high;
    bool negated = false;
};
struct InList {
    ExpressionPtr value;
    std::vector<ExpressionPtr> items;
    bool negated = false;
};
struct InQuery {
    ExpressionPtr value;
    QueryPtr query;
    bool negated = false;
};
struct Exists {
    QueryPtr query;
};
struct QuantifiedComparison {
    BinaryOperator op;
    std::string quantifier;  // ALL, ANY, SOME
    ExpressionPtr value;
    QueryPtr query;
};
struct ScalarQuery {
    QueryPtr query;
};
struct DocumentQuery;
// (SELECT ... FROM an array of the document), or EXISTS over one.
struct NestedQuery {
    std::shared_ptr<DocumentQuery> query;  // owned by this node alone
    bool exists = false;
};
struct Like {
    ExpressionPtr value, pattern, escape;  // escape may be null
    bool negated = false;
};
struct IsNull {
    ExpressionPtr value;
    bool negated = false;
};
struct CaseBranch {
    ExpressionPtr when, then;
};
struct Case {
    ExpressionPtr operand;  // null for CASE WHEN
    std::vector<CaseBranch> branches;
    ExpressionPtr otherwise;  // may be null
};
struct Cast {
    ExpressionPtr value;
    TypeName type;
    bool try_cast = false;
};
struct Extract {
    std::string field;  // upper-case
    ExpressionPtr value;
};
struct AtTimeZone {
    ExpressionPtr value, zone;
};
struct Lambda {
    std::vector<Identifier> parameters;
    ExpressionPtr body;
};
struct ArrayLiteral {
    std::vector<ExpressionPtr> items;
};
struct RowLiteral {
    std::vector<ExpressionPtr> items;
};
struct ObjectLiteral {  // {'latitude': get(x, 0)}
    std::vector<std::pair<std::string, ExpressionPtr>> members;
};

struct SortItem {
    ExpressionPtr value;
    bool descending = false;
    std::optional<bool> nulls_first;
};
struct FrameBound {
    enum class Kind { kUnboundedPreceding, kPreceding, kCurrentRow, kFollowing, kUnboundedFollowing };
    Kind kind = Kind::kCurrentRow;
    ExpressionPtr distance;  // of kPreceding and kFollowing
};
struct WindowFrame {
    std::string unit;  // ROWS, RANGE, GROUPS
    FrameBound start;
    std::optional<FrameBound> end;
};
struct WindowSpecification {
    Identifier name;  // OVER w: nothing else is set then
    std::vector<ExpressionPtr> partition_by;
    std::vector<SortItem> order_by;
    std::optional<WindowFrame> frame;
};
struct FunctionCall {
    std::vector<Identifier> name;
    std::vector<ExpressionPtr> arguments;  // a Star for count(*)
    bool distinct = false;
    std::vector<SortItem> order_by;
    ExpressionPtr filter;  // FILTER (WHERE ...), may be null
    std::optional<bool> ignore_nulls;
    std::optional<WindowSpecification> over;
};

using ExpressionNode =
    std::variant<Literal, NameReference, Star, Parameter, MemberAccess, ElementAccess, Unary, Binary, Between,
                 InList, InQuery, Exists, QuantifiedComparison, ScalarQuery, NestedQuery, Like, IsNull, Case, Cast,
                 Extract, AtTimeZone, Lambda, ArrayLiteral, RowLiteral, ObjectLiteral, FunctionCall>;

struct Expression {
    Position at;
    ExpressionNode node;
};

template <class Node>
ExpressionPtr MakeExpression(Position at, Node node) {
    return std::make_unique<Expression>(Expression{at, std::move(node)});
}

// One item of SELECT. A name on the left of AS may be a path in IoT SQL (AS a.b).
struct SelectItem {
    ExpressionPtr value;  // a Star for *
    std::vector<Identifier> alias;
};

// SELECT over one JSON document, as IoT SQL has it: the whole of a statement but its topic, or nested in one.
struct DocumentQuery {
    bool value_only = false;  // SELECT VALUE x: the value itself, not an object that holds it
    std::vector<SelectItem> items;
    ExpressionPtr from;   // the array of a nested query; null at the top
    ExpressionPtr where;  // may be null
};

}  // namespace wellhead::sql
