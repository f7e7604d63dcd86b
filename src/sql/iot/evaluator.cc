// Statements and templates over one message.

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <cstring>

#include "sql/iot/parser.h"
#include "sql/iot/program.h"

namespace wellhead::sql::iot {

namespace {

constexpr size_t kMaxTemplateBytes = 16 * 1024;
// Of a variable's value, counted with all that is in it: variables made of variables double with each step.
constexpr size_t kMaxVariableItems = 200'000;

// How many values there are in value; counting ends soon after limit.
size_t CountItems(const Value& value, size_t limit) {
    size_t count = 1;
    auto add = [&](const Value& inner) {
        if (count <= limit) count += CountItems(inner, limit - count);
    };
    value.EachItem(add);
    value.EachMember([&](std::string_view, const Value& inner) { add(inner); });
    return count;
}

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

std::string_view Trim(std::string_view text) {
    while (!text.empty() && IsBlank(text.front())) text.remove_prefix(1);
    while (!text.empty() && IsBlank(text.back())) text.remove_suffix(1);
    return text;
}

// Integers beyond 64 bits, which the JSON parser refuses, with ".0" behind them: they become Decimals.
std::string WidenIntegers(std::string_view json) {
    std::string widened;
    widened.reserve(json.size() + 16);
    bool in_string = false;
    for (size_t i = 0; i < json.size();) {
        char c = json[i];
        if (in_string && c == '\\' && i + 1 < json.size()) {
            widened.append(json.substr(i, 2));
            i += 2;
            continue;
        }
        if (c == '"') in_string = !in_string;
        if (in_string || c < '0' || c > '9') {
            widened.push_back(c);
            ++i;
            continue;
        }
        size_t end = i;
        bool integer = true;
        while (end < json.size() && (std::isalnum(static_cast<unsigned char>(json[end])) != 0 ||
                                     json[end] == '.' || json[end] == '+' || json[end] == '-')) {
            integer = integer && json[end] >= '0' && json[end] <= '9';
            ++end;
        }
        widened.append(json.substr(i, end - i));
        if (integer && end - i >= 19) widened.append(".0");
        i = end;
    }
    return widened;
}

// Sets path in members, making objects on the way.
void Place(BuiltObject& members, const std::vector<std::string>& path, size_t depth, const Value& value,
           Arena& arena) {
    auto found = std::find_if(members.begin(), members.end(),
                              [&](const auto& member) { return member.first == path[depth]; });
    if (depth + 1 == path.size()) {
        if (found != members.end()) {
            found->second = value;
        } else {
            members.emplace_back(path[depth], value);
        }
        return;
    }
    BuiltObject* inner = arena.NewObject();
    if (found != members.end()) {
        found->second.EachMember(
            [&](std::string_view name, const Value& member) { inner->emplace_back(name, member); });
    }
    Place(*inner, path, depth + 1, value, arena);
    if (found != members.end()) {
        found->second = Value::Object(inner);
    } else {
        members.emplace_back(path[depth], Value::Object(inner));
    }
}

Value BuildObject(const CompiledQuery& query, Scope& scope) {
    BuiltObject* members = scope.state.arena.NewObject();
    // What is named replaces what '*' brings, wherever it stands.
    if (std::any_of(query.items.begin(), query.items.end(), [](const CompiledItem& item) { return item.star; })) {
        scope.Root().EachMember([&](std::string_view name, const Value& value) { members->emplace_back(name, value); });
    }
    for (const CompiledItem& item : query.items) {
        if (item.star) continue;
        Value value = item.value->Eval(scope);
        if (value.defined()) Place(*members, item.path, 0, value, scope.state.arena);
    }
    return Value::Object(members);
}

// The members behind a '{', each with a comma before it unless it is the first.
void AppendMembers(const CompiledQuery& query, Scope& scope, bool first, std::string& out) {
    for (const CompiledItem& item : query.items) {
        if (item.star) continue;
        Value value = item.value->Eval(scope);
        if (!value.defined()) continue;
        if (!first) out.push_back(',');
        first = false;
        AppendJsonString(item.path.front(), out);
        out.push_back(':');
        AppendJson(value, out);
    }
}

// SELECT *, a AS b: the payload's own text with members added, when no name of it is replaced.
bool AppendExtended(const CompiledQuery& query, Scope& scope, std::string& out) {
    const Value& document = scope.Root();
    if (document.type() != Type::kObject || !query.plain_names) return false;
    for (const CompiledItem& item : query.items) {
        if (!item.star && document.Member(item.path.front()).defined()) return false;
    }
    std::string_view payload = Trim(scope.state.message->payload);
    payload.remove_suffix(1);
    payload = Trim(payload);
    out.append(payload);
    AppendMembers(query, scope, payload.size() == 1, out);
    out.push_back('}');
    return true;
}

// The end of the expression that begins at from, behind "${"; npos when it has none.
size_t FindClose(std::string_view text, size_t from) {
    char quote = '\0';
    int depth = 0;
    for (size_t i = from; i < text.size(); ++i) {
        char c = text[i];
        if (quote != '\0') {
            if (c == '\\') {
                ++i;
            } else if (c == quote) {
                quote = '\0';
            }
        } else if (c == '\'' || c == '"') {
            quote = c;
        } else if (c == '{') {
            ++depth;
        } else if (c == '}') {
            if (depth-- == 0) return i;
        }
    }
    return std::string_view::npos;
}

}  // namespace

const Value& Evaluator::State::Document() {
    if (parsed_) return document_;
    parsed_ = true;
    std::string_view payload = message->payload;
    auto parsed = parser_.parse(payload.data(), payload.size(), true);
    if (parsed.error() != simdjson::SUCCESS) {
        // A number may only be too large; that is rare enough to look for by parsing again.
        parse_problem = simdjson::error_message(parsed.error());
        if (parsed.error() == simdjson::NUMBER_ERROR || parsed.error() == simdjson::TAPE_ERROR) {
            widened_ = WidenIntegers(payload);
            parsed = parser_.parse(widened_);
        }
    }
    if (parsed.error() == simdjson::SUCCESS) document_ = Value::Of(parsed.value_unsafe());
    return document_;
}

// The next 32 bytes that follow from the message's seed.
std::array<unsigned char, 32> Evaluator::State::Drawn() {
    std::array<unsigned char, 32> digest{};
    std::string input(message->seed);
    const uint32_t number = ++drawn_;
    input.append(reinterpret_cast<const char*>(&number), sizeof number);
    unsigned int size = 0;
    EVP_Digest(input.data(), input.size(), digest.data(), &size, EVP_sha256(), nullptr);
    return digest;
}

std::string Evaluator::State::NewUuid() {
    if (message->seed.empty()) return surroundings.NewUuid();
    auto bytes = Drawn();
    bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0F) | 0x40);  // RFC 4122, version 4
    bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3F) | 0x80);
    std::string uuid;
    for (size_t i = 0; i < 16; ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) uuid.push_back('-');
        fmt::format_to(std::back_inserter(uuid), "{:02x}", bytes[i]);
    }
    return uuid;
}

double Evaluator::State::RandomFraction() {
    if (message->seed.empty()) return surroundings.RandomFraction();
    const auto bytes = Drawn();
    uint64_t bits = 0;
    std::memcpy(&bits, bytes.data(), sizeof bits);
    return static_cast<double>(bits >> 11) * 0x1.0p-53;
}

const Value& Evaluator::State::VariableValue(const Variables& of, size_t index) {
    if (variables_ != &of) {
        variables_ = &of;
        values_.assign(of.nodes.size(), std::nullopt);
    }
    if (!values_[index]) {
        Scope top{*this};
        Value value = of.nodes[index]->Eval(top);
        if (CountItems(value, kMaxVariableItems) > kMaxVariableItems) value = Value();
        values_[index] = value;
    }
    return *values_[index];
}

Value BuildResult(const CompiledQuery& query, Scope& scope) {
    if (query.where && !query.where->Eval(scope).IsTrue()) return Value();
    if (query.items.size() == 1 && (query.value_only || query.items.front().star)) {
        const CompiledItem& item = query.items.front();
        return item.star ? scope.Root() : item.value->Eval(scope);
    }
    return BuildObject(query, scope);
}

Statement::~Statement() = default;
Template::~Template() = default;

Parsed<std::shared_ptr<const Statement>> Statement::Compile(std::string_view sql) {
    auto text = ParseRule(sql);
    if (!text) return std::unexpected(text.error());
    auto variables = CompileVariables(text->variables);
    if (!variables) return std::unexpected(variables.error());
    auto query = CompileQuery(text->query, variables->get());
    if (!query) return std::unexpected(query.error());
    std::shared_ptr<Statement> statement(new Statement);
    statement->topic_filter_ = std::move(text->topic_filter);
    statement->topic_at_ = text->topic_at;
    statement->passes_all_ = query->items.size() == 1 && query->items.front().star && !query->where;
    statement->program_ = std::make_unique<Program>();
    statement->program_->variables = std::move(*variables);
    statement->program_->needs_json = query->needs_json;
    statement->program_->query = std::move(*query);
    return statement;
}

Parsed<std::shared_ptr<const Template>> Template::Compile(std::string_view text, const Statement* of) {
    if (text.size() > kMaxTemplateBytes) return SyntaxFail({}, "the text is too long");
    std::shared_ptr<Template> compiled(new Template);
    compiled->program_ = std::make_unique<Program>();
    Program& program = *compiled->program_;
    if (of != nullptr) program.variables = of->program_->variables;
    size_t at = 0;
    while (at < text.size()) {
        size_t open = text.find("${", at);
        if (open == std::string_view::npos) open = text.size();
        if (open > at) program.pieces.push_back({std::string(text.substr(at, open - at)), nullptr});
        if (open == text.size()) break;
        size_t close = FindClose(text, open + 2);
        if (close == std::string_view::npos) {
            return SyntaxFail({1, static_cast<int>(open) + 1}, "a substitution template has no closing '}'");
        }
        std::string_view source = text.substr(open + 2, close - open - 2);
        auto expression = ParseExpression(source);
        if (!expression) return std::unexpected(expression.error());
        auto node = CompileExpression(**expression, program.variables.get());
        if (!node) return std::unexpected(node.error());
        program.needs_json = program.needs_json || node->needs_json;
        program.pieces.push_back({std::string(source), std::move(node->node)});
        at = close + 1;
    }
    bool constant = std::all_of(program.pieces.begin(), program.pieces.end(),
                                [](const Program::Piece& piece) { return piece.value == nullptr; });
    if (constant) compiled->constant_ = std::string(text);
    return compiled;
}

Evaluator::Evaluator(Surroundings& surroundings) : state_(std::make_unique<State>(surroundings)) {}
Evaluator::~Evaluator() = default;

void Evaluator::Begin(const MessageView& message) {
    State& state = *state_;
    state.message = &message;
    state.parsed_ = false;
    state.document_ = Value();
    state.variables_ = nullptr;
    state.drawn_ = 0;
    state.arena.Reset();
    state.trace_id.clear();
}

base::Result<bool> Evaluator::Select(const Statement& statement, std::string& out) {
    State& state = *state_;
    const CompiledQuery& query = statement.program_->query;
    if (query.needs_json && !state.is_json()) {
        return base::Fail(base::ErrorCode::kInvalidArgument, "the payload is not JSON: " + state.parse_problem);
    }
    Scope scope{state};
    if (query.where && !query.where->Eval(scope).IsTrue()) return false;
    const CompiledItem& first = query.items.front();
    if (query.items.size() == 1 && first.star) {
        out.append(state.message->payload);
        return true;
    }
    if (query.value_only) {
        AppendJson(first.value->Eval(scope), out);
        return true;
    }
    bool any_star = std::any_of(query.items.begin(), query.items.end(),
                                [](const CompiledItem& item) { return item.star; });
    if (any_star) {
        if (!AppendExtended(query, scope, out)) AppendJson(BuildObject(query, scope), out);
        return true;
    }
    if (!query.plain_names) {
        AppendJson(BuildObject(query, scope), out);
        return true;
    }
    out.push_back('{');
    AppendMembers(query, scope, true, out);
    out.push_back('}');
    return true;
}

std::string Evaluator::NewUuid() { return state_->NewUuid(); }

base::Result<void> Evaluator::Substitute(const Template& text, std::string& out) {
    if (text.constant_) {
        out.append(*text.constant_);
        return {};
    }
    State& state = *state_;
    if (text.program_->needs_json && !state.is_json()) {
        return base::Fail(base::ErrorCode::kInvalidArgument, "the payload is not JSON: " + state.parse_problem);
    }
    Scope scope{state};
    for (const Program::Piece& piece : text.program_->pieces) {
        if (!piece.value) {
            out.append(piece.text);
            continue;
        }
        auto value = ToString(piece.value->Eval(scope), state.arena);
        if (!value) {
            return base::Fail(base::ErrorCode::kInvalidArgument, "${" + piece.text + "} is Undefined");
        }
        out.append(*value);
    }
    return {};
}

}  // namespace wellhead::sql::iot
