#include "env/simulated/files.h"

#include <algorithm>
#include <set>

#include "base/check.h"

namespace wellhead::env::simulated {

using base::ErrorCode;
using base::Fail;
using base::Result;

namespace {

using NodeId = uint64_t;

std::string Parent(const std::string& path) {
    size_t slash = path.find_last_of('/');
    if (slash == std::string::npos) return ".";
    return slash == 0 ? "/" : path.substr(0, slash);
}

struct Step {
    enum class Kind { kWrite, kTruncate, kSync, kLink, kUnlink, kSyncDirectory };
    Kind kind;
    NodeId node = 0;
    uint64_t offset = 0;    // or the size of kTruncate
    base::Bytes data;
    bool durable = false;   // a kWrite that ends with a barrier
    std::string path;       // of directory changes
    std::string from;       // a kLink that takes the name away from here: a rename
};

void Apply(base::Bytes& contents, uint64_t offset, base::ByteView data) {
    if (contents.size() < offset + data.size()) contents.resize(offset + data.size(), '\0');
    contents.replace(offset, data.size(), data);
}

// Any sectors of the write, none and all included.
void ApplyTorn(base::Bytes& contents, uint64_t offset, base::ByteView data, SeededRandom& random) {
    uint64_t how = random.Below(4);
    if (how == 0) return;
    if (how == 1) return Apply(contents, offset, data);
    size_t sector = random.Below(2) == 0 ? 512 : 4096;
    for (size_t at = 0; at < data.size(); at += sector) {
        if (random.Below(2) == 0) Apply(contents, offset + at, data.substr(at, sector));
    }
}

}  // namespace

struct SimulatedFiles::State {
    mutable std::mutex mutex;
    NodeId next_node = 1;
    std::map<NodeId, base::Bytes> nodes;
    std::map<std::string, NodeId> names;
    std::set<std::string> directories;
    // What was durable before the first step.
    std::map<NodeId, base::Bytes> base_nodes;
    std::map<std::string, NodeId> base_names;
    std::vector<Step> steps;
    std::vector<Fault> faults;
    uint64_t capacity = UINT64_MAX;

    // The fault that this call meets, if any.
    const Fault* Meet(Call call, const std::string& path) {
        for (auto& fault : faults) {
            if (fault.call != call || path.find(fault.path) == std::string::npos) continue;
            if (fault.skip > 0) {
                --fault.skip;
                continue;
            }
            if (fault.count == 0) continue;
            if (fault.count != SIZE_MAX) --fault.count;
            return &fault;
        }
        return nullptr;
    }
    Result<void> Check(Call call, const std::string& path) {
        if (const Fault* fault = Meet(call, path)) return Fail(fault->code, path + ": injected fault");
        return {};
    }
    uint64_t Used() const {
        std::set<NodeId> live;
        for (const auto& [name, node] : names) live.insert(node);
        uint64_t used = 0;
        for (NodeId node : live) used += nodes.at(node).size();
        return used;
    }
    Result<NodeId> Find(const std::string& path) const {
        auto found = names.find(path);
        if (found == names.end()) return Fail(ErrorCode::kNotFound, path + ": no such file");
        return found->second;
    }
};

class SimulatedFile final : public File {
  public:
    SimulatedFile(std::shared_ptr<SimulatedFiles::State> state, std::string path, NodeId node,
                  OpenMode mode)
        : state_(std::move(state)), path_(std::move(path)), node_(node), mode_(mode) {}

    Result<size_t> ReadAt(uint64_t offset, std::span<char> out) override {
        std::lock_guard lock(state_->mutex);
        CheckAligned(offset, out.data(), out.size());
        RETURN_IF_ERROR(state_->Check(Call::kRead, path_));
        const auto& contents = state_->nodes[node_];
        if (offset >= contents.size()) return 0;
        size_t size = std::min<uint64_t>(out.size(), contents.size() - offset);
        std::copy_n(contents.data() + offset, size, out.data());
        return size;
    }
    Result<void> WriteAt(uint64_t offset, base::ByteView data) override {
        std::lock_guard lock(state_->mutex);
        CHECK(mode_ != OpenMode::kRead);
        CheckAligned(offset, data.data(), data.size());
        if (const Fault* fault = state_->Meet(Call::kWrite, path_)) {
            if (fault->write_half) Record(offset, data.substr(0, data.size() / 2), false);
            return Fail(fault->code, path_ + ": injected fault");
        }
        uint64_t size = state_->nodes[node_].size();
        uint64_t grown = std::max<uint64_t>(size, offset + data.size()) - size;
        if (grown > 0 && state_->Used() + grown > state_->capacity) {
            return Fail(ErrorCode::kLimit, path_ + ": no space left");
        }
        Record(offset, data, mode_ == OpenMode::kDirectDurable);
        return {};
    }
    Result<void> Sync() override {
        std::lock_guard lock(state_->mutex);
        RETURN_IF_ERROR(state_->Check(Call::kSync, path_));
        state_->steps.push_back({.kind = Step::Kind::kSync, .node = node_, .data = {}, .path = {}, .from = {}});
        return {};
    }
    Result<uint64_t> Size() override {
        std::lock_guard lock(state_->mutex);
        return state_->nodes[node_].size();
    }
    Result<void> Truncate(uint64_t size) override {
        std::lock_guard lock(state_->mutex);
        RETURN_IF_ERROR(state_->Check(Call::kTruncate, path_));
        state_->steps.push_back({.kind = Step::Kind::kTruncate, .node = node_, .offset = size,
                                 .data = {}, .path = {}, .from = {}});
        state_->nodes[node_].resize(size, '\0');
        return {};
    }
    Result<void> Preallocate(uint64_t new_size) override {
        ASSIGN_OR_RETURN(uint64_t size, Size());
        if (size < new_size) {
            base::Bytes zeroes(new_size - size, '\0');
            std::lock_guard lock(state_->mutex);
            if (const Fault* fault = state_->Meet(Call::kWrite, path_)) {
                return Fail(fault->code, path_ + ": injected fault");
            }
            if (state_->Used() + zeroes.size() > state_->capacity) {
                return Fail(ErrorCode::kLimit, path_ + ": no space left");
            }
            Record(size, zeroes, false);
        }
        return Sync();
    }
    int descriptor() const override { return -1; }

  private:
    void CheckAligned(uint64_t offset, const char* data, size_t size) const {
        if (mode_ != OpenMode::kDirectDurable) return;
        CHECK(offset % kDirectAlignment == 0);
        CHECK(size % kDirectAlignment == 0);
        CHECK(reinterpret_cast<uintptr_t>(data) % kDirectAlignment == 0);
    }
    void Record(uint64_t offset, base::ByteView data, bool durable) {
        state_->steps.push_back({.kind = Step::Kind::kWrite, .node = node_, .offset = offset,
                                 .data = base::Bytes(data), .durable = durable, .path = {}, .from = {}});
        Apply(state_->nodes[node_], offset, data);
    }

    std::shared_ptr<SimulatedFiles::State> state_;
    const std::string path_;
    const NodeId node_;
    const OpenMode mode_;
};

SimulatedFiles::SimulatedFiles() : state_(std::make_shared<State>()) {
    state_->directories = {"/", "."};
}
SimulatedFiles::~SimulatedFiles() = default;

Result<std::unique_ptr<File>> SimulatedFiles::Open(const std::string& path, OpenMode mode) {
    std::lock_guard lock(state_->mutex);
    RETURN_IF_ERROR(state_->Check(Call::kOpen, path));
    auto found = state_->names.find(path);
    if (found != state_->names.end()) {
        if (mode == OpenMode::kCreateNew) return Fail(ErrorCode::kAlreadyExists, path + ": exists");
        return std::make_unique<SimulatedFile>(state_, path, found->second, mode);
    }
    if (mode == OpenMode::kRead || !state_->directories.contains(Parent(path))) {
        return Fail(ErrorCode::kNotFound, path + ": no such file");
    }
    NodeId node = state_->next_node++;
    state_->nodes[node];
    state_->names[path] = node;
    state_->steps.push_back({.kind = Step::Kind::kLink, .node = node, .data = {}, .path = path, .from = {}});
    return std::make_unique<SimulatedFile>(state_, path, node, mode);
}

Result<void> SimulatedFiles::Rename(const std::string& from, const std::string& to) {
    std::lock_guard lock(state_->mutex);
    RETURN_IF_ERROR(state_->Check(Call::kRename, from));
    ASSIGN_OR_RETURN(NodeId node, state_->Find(from));
    state_->names.erase(from);
    state_->names[to] = node;
    state_->steps.push_back({.kind = Step::Kind::kLink, .node = node, .data = {}, .path = to, .from = from});
    return {};
}

Result<void> SimulatedFiles::Remove(const std::string& path) {
    std::lock_guard lock(state_->mutex);
    RETURN_IF_ERROR(state_->Check(Call::kRemove, path));
    if (state_->directories.contains(path)) {
        auto inside = [&path](const std::string& name) { return name.starts_with(path + "/"); };
        for (const auto& [name, node] : state_->names) {
            if (inside(name)) return Fail(ErrorCode::kAlreadyExists, path + ": not empty");
        }
        for (const auto& name : state_->directories) {
            if (inside(name)) return Fail(ErrorCode::kAlreadyExists, path + ": not empty");
        }
        state_->directories.erase(path);
        return {};
    }
    RETURN_IF_ERROR(state_->Find(path));
    state_->names.erase(path);
    state_->steps.push_back({.kind = Step::Kind::kUnlink, .data = {}, .path = path, .from = {}});
    return {};
}

Result<void> SimulatedFiles::MakeDirectories(const std::string& path) {
    std::lock_guard lock(state_->mutex);
    for (std::string at = path; at != "." && at != "/" && !at.empty(); at = Parent(at)) {
        state_->directories.insert(at);
    }
    return {};
}

Result<std::vector<DirectoryEntry>> SimulatedFiles::List(const std::string& path) {
    std::lock_guard lock(state_->mutex);
    if (!state_->directories.contains(path)) return Fail(ErrorCode::kNotFound, path + ": no such directory");
    std::vector<DirectoryEntry> entries;
    for (const auto& [name, node] : state_->names) {
        if (Parent(name) == path) entries.push_back({name.substr(path.size() + 1), FileKind::kFile});
    }
    for (const auto& name : state_->directories) {
        if (name != path && Parent(name) == path) {
            entries.push_back({name.substr(path.size() + 1), FileKind::kDirectory});
        }
    }
    return entries;
}

Result<void> SimulatedFiles::SyncDirectory(const std::string& path) {
    std::lock_guard lock(state_->mutex);
    RETURN_IF_ERROR(state_->Check(Call::kSyncDirectory, path));
    state_->steps.push_back({.kind = Step::Kind::kSyncDirectory, .data = {}, .path = path, .from = {}});
    return {};
}

Result<uint64_t> SimulatedFiles::FreeSpace(const std::string&) {
    std::lock_guard lock(state_->mutex);
    if (state_->capacity == UINT64_MAX) return uint64_t{1} << 40;
    uint64_t used = state_->Used();
    return used < state_->capacity ? state_->capacity - used : 0;
}

void SimulatedFiles::Inject(Fault fault) {
    std::lock_guard lock(state_->mutex);
    state_->faults.push_back(std::move(fault));
}
void SimulatedFiles::ClearFaults() {
    std::lock_guard lock(state_->mutex);
    state_->faults.clear();
}
void SimulatedFiles::SetCapacity(uint64_t bytes) {
    std::lock_guard lock(state_->mutex);
    state_->capacity = bytes;
}
size_t SimulatedFiles::steps() const {
    std::lock_guard lock(state_->mutex);
    return state_->steps.size();
}

void SimulatedFiles::ForgetHistory() {
    std::lock_guard lock(state_->mutex);
    state_->steps.clear();
    state_->base_nodes = state_->nodes;
    state_->base_names = state_->names;
}

namespace {

// Replays the steps of one crash; see the fault model in the header.
class CrashReplay {
  public:
    CrashReplay(const std::vector<Step>& steps, size_t completed, uint64_t seed)
        : steps_(steps), completed_(completed), random_(seed) {}

    void ReplayData(std::map<NodeId, base::Bytes>& nodes) {
        std::map<NodeId, std::vector<const Step*>> pending;
        size_t begun = std::min(completed_ + 1, steps_.size());
        for (size_t i = 0; i < begun; ++i) {
            const Step& step = steps_[i];
            bool completed = i < completed_;
            switch (step.kind) {
                case Step::Kind::kWrite:
                    if (step.durable && completed) {
                        Flush(nodes[step.node], pending[step.node]);
                        Apply(nodes[step.node], step.offset, step.data);
                    } else {
                        pending[step.node].push_back(&step);
                    }
                    break;
                case Step::Kind::kTruncate: pending[step.node].push_back(&step); break;
                case Step::Kind::kSync:
                    if (completed) Flush(nodes[step.node], pending[step.node]);
                    break;
                default: break;
            }
        }
        for (auto& [node, writes] : pending) Lose(nodes[node], writes);
    }

    void ReplayNames(std::map<std::string, NodeId>& names) {
        std::map<std::string, std::vector<const Step*>> pending;
        for (size_t i = 0; i < completed_; ++i) {
            const Step& step = steps_[i];
            if (step.kind == Step::Kind::kLink || step.kind == Step::Kind::kUnlink) {
                pending[Parent(step.path)].push_back(&step);
            } else if (step.kind == Step::Kind::kSyncDirectory) {
                for (const Step* change : pending[step.path]) Change(names, *change);
                pending[step.path].clear();
            }
        }
        for (auto& [directory, changes] : pending) {
            size_t kept = random_.Below(changes.size() + 1);
            for (size_t i = 0; i < kept; ++i) Change(names, *changes[i]);
        }
    }

  private:
    static void Change(std::map<std::string, NodeId>& names, const Step& step) {
        if (step.kind == Step::Kind::kUnlink) {
            names.erase(step.path);
            return;
        }
        if (!step.from.empty()) names.erase(step.from);
        names[step.path] = step.node;
    }
    static void ApplyStep(base::Bytes& contents, const Step& step) {
        if (step.kind == Step::Kind::kTruncate) {
            contents.resize(step.offset, '\0');
        } else {
            Apply(contents, step.offset, step.data);
        }
    }
    static void Flush(base::Bytes& contents, std::vector<const Step*>& pending) {
        for (const Step* step : pending) ApplyStep(contents, *step);
        pending.clear();
    }
    void Lose(base::Bytes& contents, std::vector<const Step*>& pending) {
        for (size_t i = pending.size(); i > 1; --i) std::swap(pending[i - 1], pending[random_.Below(i)]);
        for (const Step* step : pending) {
            if (step->kind == Step::Kind::kTruncate) {
                if (random_.Below(2) == 0) ApplyStep(contents, *step);
            } else {
                ApplyTorn(contents, step->offset, step->data, random_);
            }
        }
    }

    const std::vector<Step>& steps_;
    const size_t completed_;
    SeededRandom random_;
};

}  // namespace

std::unique_ptr<SimulatedFiles> SimulatedFiles::CrashImage(size_t steps, uint64_t seed) const {
    std::lock_guard lock(state_->mutex);
    CHECK(steps <= state_->steps.size());
    auto image = std::make_unique<SimulatedFiles>();
    State& state = *image->state_;
    state.nodes = state_->base_nodes;
    state.names = state_->base_names;
    state.directories = state_->directories;
    state.next_node = state_->next_node;
    CrashReplay replay(state_->steps, steps, seed);
    replay.ReplayData(state.nodes);
    replay.ReplayNames(state.names);
    for (const auto& [name, node] : state.names) state.nodes[node];
    state.base_nodes = state.nodes;
    state.base_names = state.names;
    return image;
}

Result<base::Bytes> SimulatedFiles::Contents(const std::string& path) const {
    std::lock_guard lock(state_->mutex);
    ASSIGN_OR_RETURN(NodeId node, state_->Find(path));
    return state_->nodes[node];
}
void SimulatedFiles::Overwrite(const std::string& path, uint64_t offset, base::ByteView bytes) {
    std::lock_guard lock(state_->mutex);
    auto node = state_->Find(path);
    CHECK(node.has_value());
    Apply(state_->nodes[*node], offset, bytes);
}
void SimulatedFiles::Resize(const std::string& path, uint64_t size) {
    std::lock_guard lock(state_->mutex);
    auto node = state_->Find(path);
    CHECK(node.has_value());
    state_->nodes[*node].resize(size, '\0');
}
std::vector<std::string> SimulatedFiles::Paths() const {
    std::lock_guard lock(state_->mutex);
    std::vector<std::string> paths;
    for (const auto& [name, node] : state_->names) paths.push_back(name);
    return paths;
}

}  // namespace wellhead::env::simulated
