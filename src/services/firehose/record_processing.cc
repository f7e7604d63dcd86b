#include "services/firehose/record_processing.h"

#include <boost/json/parse.hpp>

#include "base/check.h"

namespace wellhead::services::firehose {
namespace {

constexpr size_t kMostUnpackedBytes = size_t{64} << 20;
constexpr size_t kMostDepth = 256;

bool IsBlank(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

// The end of the value that begins at at: brackets that match, or a scalar. npos when there is none.
size_t EndOfValue(base::ByteView text, size_t at) {
    std::string open;
    bool quoted = false;
    for (size_t i = at; i < text.size(); ++i) {
        const char c = text[i];
        if (quoted) {
            if (c == '\\') ++i;
            if (c == '"') quoted = false;
            if (!quoted && open.empty()) return i + 1;
            continue;
        }
        if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '[') {
            open += c == '{' ? '}' : ']';
            if (open.size() > kMostDepth) return text.npos;
        } else if (c == '}' || c == ']') {
            if (open.empty() || open.back() != c) return text.npos;
            open.pop_back();
            if (open.empty()) return i + 1;
        } else if (open.empty() && (IsBlank(c) || c == ',')) {
            return i;
        }
    }
    return open.empty() && !quoted ? text.size() : text.npos;
}

std::vector<base::ByteView> SplitAt(base::ByteView text, const std::string& delimiter) {
    std::vector<base::ByteView> parts;
    while (!text.empty()) {
        const size_t end = std::min(text.find(delimiter), text.size());
        if (end > 0) parts.push_back(text.substr(0, end));
        text.remove_prefix(std::min(end + delimiter.size(), text.size()));
    }
    return parts;
}

// The messages of one envelope of CloudWatch Logs, one a line; nothing when it is none. Control messages have none.
std::optional<base::Bytes> MessagesOf(base::ByteView envelope) {
    boost::system::error_code error;
    const auto json = boost::json::parse(envelope, error);
    if (error || !json.is_object()) return std::nullopt;
    const auto* type = json.get_object().if_contains("messageType");
    if (type == nullptr || !type->is_string()) return std::nullopt;
    if (type->get_string() == "CONTROL_MESSAGE") return base::Bytes();
    const auto* events = json.get_object().if_contains("logEvents");
    if (events == nullptr || !events->is_array()) return std::nullopt;
    base::Bytes out;
    for (const auto& event : events->get_array()) {
        const auto* message = event.is_object() ? event.get_object().if_contains("message") : nullptr;
        if (message == nullptr || !message->is_string()) return std::nullopt;
        out += base::ByteView(message->get_string());
        out += '\n';
    }
    return out;
}

class Work {
  public:
    Work(const Processing& processing, const std::vector<SourceRecord>& records) : processing_(processing), records_(records) {
        if (processing.partition_query.empty()) return;
        auto query = PartitionQuery::Compile(processing.partition_query);
        CHECK(query);  // it compiled when the stream was configured
        query_ = std::move(*query);
    }

    ProcessedBatch Run() {
        for (source_ = 0; source_ < records_.size(); ++source_) One(records_[source_].data);
        return std::move(batch_);
    }

  private:
    void Fail(const char* code, std::string message, base::ByteView data) {
        batch_.failed.push_back({source_, code, std::move(message), base::Bytes(data)});
    }
    base::ByteView Keep(base::Bytes bytes) {
        batch_.made.push_back(std::make_unique<base::Bytes>(std::move(bytes)));
        return *batch_.made.back();
    }

    void One(base::ByteView data) {
        if (processing_.gunzip) {
            auto unpacked = Gunzip(data, kMostUnpackedBytes);
            if (!unpacked) return Fail("Decompression.DecompressionFailed", unpacked.error().message, data);
            data = Keep(std::move(*unpacked));
        }
        if (processing_.cloudwatch_messages) {
            auto messages = MessagesOf(data);
            if (!messages) return Fail("CloudWatchLogProcessing.MalformedData", "not an envelope of CloudWatch Logs", data);
            if (messages->empty()) return;
            data = Keep(std::move(*messages));
        }
        if (processing_.split == Processing::Split::kNone) return Part(data);
        std::vector<base::ByteView> parts;
        if (processing_.split == Processing::Split::kDelimited) {
            parts = SplitAt(data, processing_.split_delimiter);
        } else {
            auto split = SplitJson(data);
            if (!split) return Fail("DynamicPartitioning.DeAggregationFailed", "not JSON documents one behind the other", data);
            parts = std::move(*split);
        }
        for (base::ByteView part : parts) Part(part);
    }

    void Part(base::ByteView data) {
        ProcessedRecord record{source_, data, {}};
        if (query_) {
            auto keys = query_->Evaluate(data);
            if (!keys) return Fail("DynamicPartitioning.MetadataExtractionFailed", keys.error().message, data);
            record.partition = std::move(*keys);
        }
        batch_.records.push_back(std::move(record));
    }

    const Processing& processing_;
    const std::vector<SourceRecord>& records_;
    std::unique_ptr<PartitionQuery> query_;
    ProcessedBatch batch_;
    size_t source_ = 0;
};

}  // namespace

std::optional<std::vector<base::ByteView>> SplitJson(base::ByteView text) {
    std::vector<base::ByteView> parts;
    const auto skip = [&text](size_t at) {
        while (at < text.size() && (IsBlank(text[at]) || text[at] == ',')) ++at;
        return at;
    };
    size_t at = skip(0);
    // One array is what it holds.
    if (at < text.size() && text[at] == '[') {
        const size_t end = EndOfValue(text, at);
        if (end == text.npos || skip(end) != text.size()) return std::nullopt;
        text = text.substr(0, end - 1);
        at = skip(at + 1);
    }
    while (at < text.size()) {
        if (text[at] != '{' && text[at] != '[') return std::nullopt;
        const size_t end = EndOfValue(text, at);
        if (end == text.npos) return std::nullopt;
        parts.push_back(text.substr(at, end - at));
        at = skip(end);
    }
    return parts;
}

ProcessedBatch ProcessRecords(const Processing& processing, const std::vector<SourceRecord>& records) {
    return Work(processing, records).Run();
}

}  // namespace wellhead::services::firehose
