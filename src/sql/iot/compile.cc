// The tree of a statement to nodes that evaluate.

#include <algorithm>
#include <set>

#include "sql/iot/parser.h"
#include "sql/iot/program.h"

namespace wellhead::sql::iot {

namespace {

class Constant final : public Node {
  public:
    explicit Constant(Value value) : value_(value) {}
    Value Eval(Scope&) const override { return value_; }

  private:
    Value value_;
};

class Text final : public Node {
  public:
    explicit Text(std::string text) : text_(std::move(text)) {}
    Value Eval(Scope&) const override { return Value::String(text_); }

  private:
    std::string text_;
};

class Path final : public Node {
  public:
    explicit Path(std::vector<std::string> names) : names_(std::move(names)) {}
    Value Eval(Scope& scope) const override {
        Value value = scope.Root();
        for (const std::string& name : names_) {
            value = value.Member(name);
            if (!value.defined()) break;
        }
        return value;
    }

  private:
    std::vector<std::string> names_;
};

// '*' within an expression: the document; for some functions the payload's bytes.
class Whole final : public Node {
  public:
    explicit Whole(bool raw) : raw_(raw) {}
    Value Eval(Scope& scope) const override {
        if (scope.item != nullptr) return *scope.item;
        if (raw_) return Value::String(scope.state.message->payload);
        if (scope.state.is_json()) return scope.state.Document();
        std::string_view payload = scope.state.message->payload;
        if (!simdjson::validate_utf8(payload.data(), payload.size())) return Value();
        return Value::String(payload);
    }

  private:
    bool raw_;
};

class VariableOf final : public Node {
  public:
    VariableOf(const Variables& variables, size_t index) : variables_(variables), index_(index) {}
    Value Eval(Scope& scope) const override { return scope.state.VariableValue(variables_, index_); }

  private:
    const Variables& variables_;
    size_t index_;
};

class MemberOf final : public Node {
  public:
    MemberOf(NodePtr base, std::string name) : base_(std::move(base)), name_(std::move(name)) {}
    Value Eval(Scope& scope) const override { return base_->Eval(scope).Member(name_); }

  private:
    NodePtr base_;
    std::string name_;
};

class ItemOf final : public Node {
  public:
    ItemOf(NodePtr base, NodePtr index) : base_(std::move(base)), index_(std::move(index)) {}
    Value Eval(Scope& scope) const override {
        Value base = base_->Eval(scope);
        Value index = index_->Eval(scope);
        if (base.type() == Type::kObject && index.type() == Type::kString) return base.Member(index.text());
        auto at = ToInt(index);
        return at ? base.Item(*at) : Value();
    }

  private:
    NodePtr base_, index_;
};

class Not final : public Node {
  public:
    explicit Not(NodePtr operand) : operand_(std::move(operand)) {}
    Value Eval(Scope& scope) const override {
        auto boolean = ToBoolean(operand_->Eval(scope));
        return boolean ? Value::Boolean(!*boolean) : Value();
    }

  private:
    NodePtr operand_;
};

class Negative final : public Node {
  public:
    explicit Negative(NodePtr operand) : operand_(std::move(operand)) {}
    Value Eval(Scope& scope) const override {
        return Operate(BinaryOperator::kSubtract, Value::Int(0), operand_->Eval(scope), scope.state.arena);
    }

  private:
    NodePtr operand_;
};

// AND and OR of three values: what one side decides alone needs no other side.
class Logical final : public Node {
  public:
    Logical(bool decisive, NodePtr left, NodePtr right)
        : decisive_(decisive), left_(std::move(left)), right_(std::move(right)) {}
    Value Eval(Scope& scope) const override {
        auto left = ToBoolean(left_->Eval(scope));
        if (left && *left == decisive_) return Value::Boolean(decisive_);
        auto right = ToBoolean(right_->Eval(scope));
        if (right && *right == decisive_) return Value::Boolean(decisive_);
        if (!left || !right) return Value();
        return Value::Boolean(!decisive_);
    }

  private:
    bool decisive_;
    NodePtr left_, right_;
};

class Operation final : public Node {
  public:
    Operation(BinaryOperator op, NodePtr left, NodePtr right)
        : op_(op), left_(std::move(left)), right_(std::move(right)) {}
    Value Eval(Scope& scope) const override {
        Value left = left_->Eval(scope);
        return Operate(op_, left, right_->Eval(scope), scope.state.arena);
    }

  private:
    BinaryOperator op_;
    NodePtr left_, right_;
};

class OneOf final : public Node {
  public:
    OneOf(NodePtr value, std::vector<NodePtr> items, bool negated)
        : value_(std::move(value)), items_(std::move(items)), negated_(negated) {}
    Value Eval(Scope& scope) const override {
        Value value = value_->Eval(scope);
        if (!value.defined()) return Value();
        for (const NodePtr& item : items_) {
            Value candidate = item->Eval(scope);
            if (candidate.defined() && Equals(value, candidate)) return Value::Boolean(!negated_);
        }
        return Value::Boolean(negated_);
    }

  private:
    NodePtr value_;
    std::vector<NodePtr> items_;
    bool negated_;
};

class Contains final : public Node {
  public:
    Contains(NodePtr value, NodePtr array) : value_(std::move(value)), array_(std::move(array)) {}
    Value Eval(Scope& scope) const override {
        Value value = value_->Eval(scope);
        Value array = array_->Eval(scope);
        if (!value.defined() || array.type() != Type::kArray) return Value();
        bool found = false;
        array.EachItem([&](const Value& item) { found = found || Equals(value, item); });
        return Value::Boolean(found);
    }

  private:
    NodePtr value_, array_;
};

class Choice final : public Node {
  public:
    NodePtr operand;  // null for CASE WHEN
    std::vector<std::pair<NodePtr, NodePtr>> branches;
    NodePtr otherwise;

    Value Eval(Scope& scope) const override {
        Value value;
        if (operand) {
            value = operand->Eval(scope);
            if (!value.defined()) return Value();
        }
        for (const auto& [when, then] : branches) {
            Value candidate = when->Eval(scope);
            bool taken = operand ? candidate.defined() && Equals(value, candidate) : candidate.IsTrue();
            if (taken) return then->Eval(scope);
        }
        return otherwise ? otherwise->Eval(scope) : Value();
    }
};

class Conversion final : public Node {
  public:
    Conversion(NodePtr value, Type type) : value_(std::move(value)), type_(type) {}
    Value Eval(Scope& scope) const override {
        Value value = value_->Eval(scope);
        if (value.type() == Type::kBoolean && type_ != Type::kString && type_ != Type::kBoolean) {
            return Value::Int(value.boolean() ? 1 : 0);
        }
        switch (type_) {
            case Type::kDecimal: {
                Value number = ToDecimal(value);
                return number.is_number() ? number : Value();
            }
            case Type::kInt: {
                auto integer = ToInt(value);
                return integer ? Value::Int(*integer) : Value();
            }
            case Type::kBoolean: {
                if (value.is_number()) return Value::Boolean(CompareNumbers(value, Value::Int(0)) != 0);
                auto boolean = ToBoolean(value);
                return boolean ? Value::Boolean(*boolean) : Value();
            }
            default: {
                auto text = ToString(value, scope.state.arena);
                return text ? Value::String(*text) : Value();
            }
        }
    }

  private:
    NodePtr value_;
    Type type_;
};

class ArrayOf final : public Node {
  public:
    explicit ArrayOf(std::vector<NodePtr> items) : items_(std::move(items)) {}
    Value Eval(Scope& scope) const override {
        BuiltArray* array = scope.state.arena.NewArray();
        array->reserve(items_.size());
        for (const NodePtr& item : items_) array->push_back(item->Eval(scope));
        return Value::Array(array);
    }

  private:
    std::vector<NodePtr> items_;
};

class ObjectOf final : public Node {
  public:
    explicit ObjectOf(std::vector<std::pair<std::string, NodePtr>> members) : members_(std::move(members)) {}
    Value Eval(Scope& scope) const override {
        BuiltObject* object = scope.state.arena.NewObject();
        object->reserve(members_.size());
        for (const auto& [name, value] : members_) object->emplace_back(name, value->Eval(scope));
        return Value::Object(object);
    }

  private:
    std::vector<std::pair<std::string, NodePtr>> members_;
};

class Invocation final : public Node {
  public:
    Invocation(const FunctionEntry& entry, std::vector<NodePtr> arguments)
        : entry_(entry), arguments_(std::move(arguments)) {}
    Value Eval(Scope& scope) const override {
        int count = static_cast<int>(arguments_.size());
        if (count < entry_.fewest || (entry_.most >= 0 && count > entry_.most)) return Value();
        Value few[4];
        if (arguments_.size() <= std::size(few)) {
            for (size_t i = 0; i < arguments_.size(); ++i) few[i] = arguments_[i]->Eval(scope);
            return entry_.function({scope.state, std::span(few, arguments_.size())});
        }
        std::vector<Value> values;
        for (const NodePtr& argument : arguments_) values.push_back(argument->Eval(scope));
        return entry_.function({scope.state, values});
    }

  private:
    const FunctionEntry& entry_;
    std::vector<NodePtr> arguments_;
};

class Nested final : public Node {
  public:
    Nested(CompiledQuery query, bool exists) : query_(std::move(query)), exists_(exists) {}
    Value Eval(Scope& scope) const override {
        Value from = query_.from->Eval(scope);
        BuiltArray* results = scope.state.arena.NewArray();
        bool any = false;
        auto visit = [&](const Value& item) {
            if (exists_ && any) return;
            Scope inner{scope.state, &item};
            Value result = BuildResult(query_, inner);
            if (!result.defined()) return;
            any = true;
            results->push_back(result);
        };
        if (from.type() == Type::kArray) {
            from.EachItem(visit);
        } else if (from.type() == Type::kObject) {
            visit(from);
        } else {
            return exists_ ? Value::Boolean(false) : Value();
        }
        return exists_ ? Value::Boolean(any) : Value::Array(results);
    }

  private:
    CompiledQuery query_;
    bool exists_;
};

// Walks the tree; remembers whether anything looks into the payload's JSON.
class Compiler {
  public:
    explicit Compiler(const Variables* variables) : variables_(variables) {}
    bool needs_json = false;

    Parsed<NodePtr> Compile(const Expression& expression) {
        return std::visit([&](const auto& node) { return Make(expression.at, node); }, expression.node);
    }

    Parsed<CompiledQuery> CompileQuery(const DocumentQuery& query) {
        CompiledQuery compiled;
        compiled.value_only = query.value_only;
        if (query.from) {
            auto from = Compile(*query.from);
            if (!from) return std::unexpected(from.error());
            compiled.from = std::move(*from);
        }
        std::set<std::string> names;
        for (const SelectItem& item : query.items) {
            CompiledItem compiled_item;
            compiled_item.star = std::holds_alternative<Star>(item.value->node);
            if (compiled_item.star) {
                if (query.items.size() > 1) needs_json = true;
            } else {
                auto value = Compile(*item.value);
                if (!value) return std::unexpected(value.error());
                compiled_item.value = std::move(*value);
                for (const Identifier& part : item.alias) compiled_item.path.push_back(part.text);
                if (compiled_item.path.size() != 1 || !names.insert(compiled_item.path.front()).second) {
                    compiled.plain_names = false;
                }
            }
            compiled.items.push_back(std::move(compiled_item));
        }
        if (query.where) {
            auto where = Compile(*query.where);
            if (!where) return std::unexpected(where.error());
            compiled.where = std::move(*where);
        }
        compiled.needs_json = needs_json;
        return compiled;
    }

  private:
    Parsed<NodePtr> Make(Position at, const Literal& literal) {
        switch (literal.kind) {
            case LiteralKind::kNull: return std::make_unique<Constant>(Value::Null());
            case LiteralKind::kBoolean: return std::make_unique<Constant>(Value::Boolean(literal.text == "true"));
            case LiteralKind::kString: return std::make_unique<Text>(literal.text);
            default: break;
        }
        auto number = NumberOf(literal);
        if (!number) return SyntaxFail(at, "the number " + literal.text + " is out of range");
        return std::make_unique<Constant>(*number);
    }
    Parsed<NodePtr> Make(Position, const NameReference& name) {
        needs_json = true;
        std::vector<std::string> names;
        for (const Identifier& part : name.parts) names.push_back(part.text);
        return std::make_unique<Path>(std::move(names));
    }
    Parsed<NodePtr> Make(Position, const Star&) { return std::make_unique<Whole>(false); }
    Parsed<NodePtr> Make(Position, const MemberAccess& access) {
        auto base = Compile(*access.base);
        if (!base) return base;
        return std::make_unique<MemberOf>(std::move(*base), access.field.text);
    }
    Parsed<NodePtr> Make(Position, const ElementAccess& access) {
        auto base = Compile(*access.base);
        if (!base) return base;
        auto index = Compile(*access.index);
        if (!index) return index;
        return std::make_unique<ItemOf>(std::move(*base), std::move(*index));
    }
    Parsed<NodePtr> Make(Position, const Unary& unary) {
        auto operand = Compile(*unary.operand);
        if (!operand) return operand;
        if (unary.op == UnaryOperator::kNot) return std::make_unique<Not>(std::move(*operand));
        return std::make_unique<Negative>(std::move(*operand));
    }
    Parsed<NodePtr> Make(Position, const Binary& binary) {
        auto left = Compile(*binary.left);
        if (!left) return left;
        auto right = Compile(*binary.right);
        if (!right) return right;
        if (binary.op == BinaryOperator::kAnd || binary.op == BinaryOperator::kOr) {
            return std::make_unique<Logical>(binary.op == BinaryOperator::kOr, std::move(*left),
                                             std::move(*right));
        }
        return std::make_unique<Operation>(binary.op, std::move(*left), std::move(*right));
    }
    Parsed<NodePtr> Make(Position, const InList& in) {
        auto value = Compile(*in.value);
        if (!value) return value;
        auto items = CompileAll(in.items);
        if (!items) return std::unexpected(items.error());
        return std::make_unique<OneOf>(std::move(*value), std::move(*items), in.negated);
    }
    Parsed<NodePtr> Make(Position, const Case& node) {
        auto choice = std::make_unique<Choice>();
        if (node.operand) {
            auto operand = Compile(*node.operand);
            if (!operand) return operand;
            choice->operand = std::move(*operand);
        }
        for (const CaseBranch& branch : node.branches) {
            auto when = Compile(*branch.when);
            if (!when) return when;
            auto then = Compile(*branch.then);
            if (!then) return then;
            choice->branches.emplace_back(std::move(*when), std::move(*then));
        }
        if (node.otherwise) {
            auto otherwise = Compile(*node.otherwise);
            if (!otherwise) return otherwise;
            choice->otherwise = std::move(*otherwise);
        }
        return choice;
    }
    Parsed<NodePtr> Make(Position at, const Cast& cast) {
        const std::string& name = cast.type.name;
        Type type = Type::kUndefined;
        if (name == "decimal") type = Type::kDecimal;
        if (name == "int" || name == "integer") type = Type::kInt;
        if (name == "bool" || name == "boolean") type = Type::kBoolean;
        if (name == "string" || name == "nvarchar" || name == "text" || name == "ntext" || name == "varchar") {
            type = Type::kString;
        }
        if (type == Type::kUndefined) return SyntaxFail(at, "cast to " + name + " is not known");
        auto value = Compile(*cast.value);
        if (!value) return value;
        return std::make_unique<Conversion>(std::move(*value), type);
    }
    Parsed<NodePtr> Make(Position, const ArrayLiteral& array) {
        auto items = CompileAll(array.items);
        if (!items) return std::unexpected(items.error());
        return std::make_unique<ArrayOf>(std::move(*items));
    }
    Parsed<NodePtr> Make(Position, const ObjectLiteral& object) {
        std::vector<std::pair<std::string, NodePtr>> members;
        for (const auto& [name, value] : object.members) {
            auto compiled = Compile(*value);
            if (!compiled) return compiled;
            members.emplace_back(name, std::move(*compiled));
        }
        return std::make_unique<ObjectOf>(std::move(members));
    }
    Parsed<NodePtr> Make(Position, const NestedQuery& nested) {
        auto query = CompileQuery(*nested.query);
        if (!query) return std::unexpected(query.error());
        return std::make_unique<Nested>(std::move(*query), nested.exists);
    }
    Parsed<NodePtr> Make(Position at, const FunctionCall& call) {
        std::string name;
        for (char c : call.name.front().text) {
            name.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
        }
        if (name == kVariableFunction) return Reference(at, std::get<Literal>(call.arguments.front()->node).text);
        if (IsExternalFunction(name)) {
            return SyntaxFail(at, name + "() is not served: it calls a service that is not there");
        }
        const FunctionEntry* entry = FindFunction(name);
        if (name != "#contains" && entry == nullptr) {
            return SyntaxFail(at, "the function " + call.name.front().text + " is not known");
        }
        if (auto scheme = CheckScheme(at, name, call); !scheme) return std::unexpected(scheme.error());
        std::vector<NodePtr> arguments;
        for (const ExpressionPtr& argument : call.arguments) {
            if (entry != nullptr && entry->takes_raw_payload && std::holds_alternative<Star>(argument->node)) {
                arguments.push_back(std::make_unique<Whole>(true));
                continue;
            }
            auto compiled = Compile(*argument);
            if (!compiled) return compiled;
            arguments.push_back(std::move(*compiled));
        }
        if (entry == nullptr) {
            return std::make_unique<Contains>(std::move(arguments[0]), std::move(arguments[1]));
        }
        return std::make_unique<Invocation>(*entry, std::move(arguments));
    }
    Parsed<NodePtr> Reference(Position at, const std::string& name) {
        const size_t* index = variables_ != nullptr ? variables_->Find(name) : nullptr;
        if (index == nullptr) return SyntaxFail(at, "the variable @" + name + " is not set before");
        needs_json = needs_json || variables_->needs_json;
        return std::make_unique<VariableOf>(*variables_, *index);
    }
    // encode and decode know base64 alone; decode's protobuf form needs a schema from a bucket.
    static Parsed<void> CheckScheme(Position at, const std::string& name, const FunctionCall& call) {
        if ((name != "encode" && name != "decode") || call.arguments.size() < 2) return {};
        const auto* scheme = std::get_if<Literal>(&call.arguments[1]->node);
        if (scheme != nullptr && scheme->kind == LiteralKind::kString && scheme->text != "base64") {
            return SyntaxFail(at, name + "(): the scheme '" + scheme->text + "' is not served, only 'base64' is");
        }
        return {};
    }
    // Nodes of other dialects; this dialect's parser does not make them.
    template <class Other>
    Parsed<NodePtr> Make(Position at, const Other&) {
        return SyntaxFail(at, "this form is not part of AWS IoT SQL");
    }

    Parsed<std::vector<NodePtr>> CompileAll(const std::vector<ExpressionPtr>& expressions) {
        std::vector<NodePtr> nodes;
        for (const ExpressionPtr& expression : expressions) {
            auto node = Compile(*expression);
            if (!node) return std::unexpected(node.error());
            nodes.push_back(std::move(*node));
        }
        return nodes;
    }

    const Variables* variables_;
};

}  // namespace

Variables::Variables() = default;
Variables::~Variables() = default;

const size_t* Variables::Find(const std::string& name) const {
    auto found = index.find(name);
    return found == index.end() ? nullptr : &found->second;
}

Parsed<std::shared_ptr<const Variables>> CompileVariables(const std::vector<VariableText>& variables) {
    if (variables.empty()) return nullptr;
    auto compiled = std::make_shared<Variables>();
    for (const VariableText& variable : variables) {
        if (compiled->Find(variable.name) != nullptr) {
            return SyntaxFail(variable.at, "the variable @" + variable.name + " is set twice");
        }
        Compiler compiler(compiled.get());
        auto node = compiler.Compile(*variable.value);
        if (!node) return std::unexpected(node.error());
        compiled->needs_json = compiled->needs_json || compiler.needs_json;
        compiled->index.emplace(variable.name, compiled->nodes.size());
        compiled->nodes.push_back(std::move(*node));
    }
    return compiled;
}

Parsed<CompiledQuery> CompileQuery(const DocumentQuery& query, const Variables* variables) {
    return Compiler(variables).CompileQuery(query);
}

Parsed<CompiledExpression> CompileExpression(const Expression& expression, const Variables* variables) {
    Compiler compiler(variables);
    auto node = compiler.Compile(expression);
    if (!node) return std::unexpected(node.error());
    return CompiledExpression{std::move(*node), compiler.needs_json};
}

}  // namespace wellhead::sql::iot
