#pragma once
// IoT SQL compiled once and evaluated for every message.
//
//     auto statement = Statement::Compile("SELECT *, topic(2) AS well FROM 'oilfield/+/telemetry'");
//     Evaluator evaluator(surroundings);         // one per thread or task, kept
//     evaluator.Begin(message);                  // once a message
//     auto passed = evaluator.Select(*statement, out);

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "base/time.h"
#include "sql/lexer.h"

namespace wellhead::sql::iot {

// What the functions see of a message. Borrowed; outlives the evaluation.
struct MessageView {
    std::string_view topic;  // as topic() shows it: without the prefix of Basic Ingest
    std::string_view payload;
    std::string_view client_id;  // empty: not over MQTT
    std::string_view principal;
    std::string_view source_ip;
    std::string_view content_type;
    std::string_view response_topic;
    std::string_view correlation_data;
    bool payload_is_utf8 = false;
    std::span<const std::pair<std::string, std::string>> user_properties;
    base::Instant now;  // timestamp()
    // 16 bytes: newuuid(), rand() and traceid() follow from it and are the same whenever the message is evaluated in the
    // same order; empty: they are random.
    std::string_view seed;
};

// What the functions need of the world. Calls come from whichever thread evaluates.
class Surroundings {
  public:
    virtual ~Surroundings() = default;
    virtual std::string NewUuid() = 0;
    virtual double RandomFraction() = 0;  // [0, 1)
    virtual std::string_view account_id() const = 0;
    // The shadow document {"state":...} as JSON; nothing when there is none. name is empty for the classic one.
    virtual std::optional<std::string> ThingShadow(std::string_view thing, std::string_view name) = 0;
    // East of UTC in seconds at that moment; nothing for an unknown zone.
    virtual std::optional<int> ZoneOffset(std::string_view zone, base::Instant at) = 0;
};

struct Program;  // of the compiler; not for users

// Immutable and thread-safe once compiled.
class Statement {
  public:
    static Parsed<std::shared_ptr<const Statement>> Compile(std::string_view sql);
    ~Statement();

    const std::string& topic_filter() const { return topic_filter_; }
    Position topic_at() const { return topic_at_; }
    // SELECT * without WHERE: every message passes as it is.
    bool passes_all() const { return passes_all_; }

  private:
    friend class Evaluator;
    friend class Template;
    Statement() = default;
    std::string topic_filter_;
    Position topic_at_;
    bool passes_all_ = false;
    std::unique_ptr<Program> program_;
};

// A text of an action with ${expression} in it. Immutable and thread-safe.
class Template {
  public:
    // of: the statement of the same rule, whose variables it may use; null for none.
    static Parsed<std::shared_ptr<const Template>> Compile(std::string_view text, const Statement* of = nullptr);
    ~Template();
    // The text itself, when nothing is substituted in it.
    const std::optional<std::string>& constant() const { return constant_; }

  private:
    friend class Evaluator;
    Template() = default;
    std::optional<std::string> constant_;
    std::unique_ptr<Program> program_;
};

// Evaluates statements over one message at a time; the payload is parsed at most once, and only when a statement looks
// into it. Not thread-safe; keeps its memory from message to message.
class Evaluator {
  public:
    explicit Evaluator(Surroundings& surroundings);
    ~Evaluator();
    Evaluator(const Evaluator&) = delete;
    Evaluator& operator=(const Evaluator&) = delete;

    // message outlives the calls that follow, until the next Begin.
    void Begin(const MessageView& message);
    // Whether WHERE holds; then the result is appended to out. kInvalidArgument: the statement looks into a payload
    // that is not JSON.
    base::Result<bool> Select(const Statement& statement, std::string& out);
    // kInvalidArgument: an expression of it is Undefined, or the payload that it looks into is not JSON.
    base::Result<void> Substitute(const Template& text, std::string& out);
    std::string NewUuid();

    struct State;

  private:
    std::unique_ptr<State> state_;
};

}  // namespace wellhead::sql::iot
