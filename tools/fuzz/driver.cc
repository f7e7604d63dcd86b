// Runs one fuzz target (LLVMFuzzerTestOneInput) on the seeds of a folder and on what becomes of them by mutation, keeping
// what takes a new path. The same seed number gives the same run, as far as it gets in its time.
//
//   x_fuzz [--seconds N] [--seed N] folder|file...
//
// A file is run as it is, so that a finding can be run again. An input that ends the program, or takes longer than a
// second, is left in ./crash-<target>.

#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "coverage.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
extern "C" void __sanitizer_set_death_callback(void (*callback)());
// No decoder needs more at once (F25); a leak is an error too.
extern "C" const char* __asan_default_options() { return "max_allocation_size_mb=256:detect_leaks=1:allocator_may_return_null=0"; }

namespace {

namespace fs = std::filesystem;
using wellhead::fuzz::coverage;
using wellhead::fuzz::kCoverageCells;

constexpr size_t kLargestInput = 1 << 14;
constexpr size_t kLargestCorpus = 4000;

const std::string* current = nullptr;
std::string crash_path;

void SaveCurrent() {
    if (current == nullptr) return;
    std::ofstream(crash_path, std::ios::binary) << *current;
    std::fprintf(stderr, "the input is in %s (%zu bytes)\n", crash_path.c_str(), current->size());
}
void OnAlarm(int) {
    static const char text[] = "an input took longer than a second\n";
    (void)!::write(2, text, sizeof text - 1);
    SaveCurrent();
    ::abort();
}

class Fuzzer {
  public:
    explicit Fuzzer(uint64_t seed) : random_(seed) {}

    void Run(const std::string& input) {
        current = &input;
        itimerval limit{{0, 0}, {1, 0}};
        ::setitimer(ITIMER_REAL, &limit, nullptr);
        wellhead::fuzz::ClearCoverage();
        // A copy of exactly this size: a read past the end is then one past the allocation.
        const std::vector<uint8_t> exact(input.begin(), input.end());
        LLVMFuzzerTestOneInput(exact.data(), exact.size());
        current = nullptr;
        ++runs_;
        if (TookNewPath() && corpus_.size() < kLargestCorpus) corpus_.push_back(input);
    }
    void AddSeed(std::string seed) {
        Run(seed);
        if (corpus_.empty() || corpus_.back() != seed) corpus_.push_back(std::move(seed));
    }
    void RunMutations(std::chrono::seconds time) {
        if (corpus_.empty()) corpus_.emplace_back();
        const auto end = std::chrono::steady_clock::now() + time;
        while (std::chrono::steady_clock::now() < end) {
            for (int i = 0; i < 50; ++i) Run(Mutated());
        }
    }
    size_t runs() const { return runs_; }
    size_t paths() const { return corpus_.size(); }

  private:
    size_t Below(size_t bound) { return bound == 0 ? 0 : std::uniform_int_distribution<size_t>(0, bound - 1)(random_); }
    char AnyByte() {
        static const std::string interesting("\0\x01\x7f\x80\xff\n\r\"'\\/{}[]<>&%;:,.=#+-09azAZ", 33);
        return Below(2) == 0 ? static_cast<char>(Below(256)) : interesting[Below(interesting.size())];
    }
    // A count's rough size stands for it, as in AFL.
    static uint8_t Bucket(uint8_t count) {
        static constexpr uint8_t kLimits[] = {0, 1, 2, 3, 7, 15, 31, 127};
        uint8_t bucket = 0;
        while (bucket < 7 && count > kLimits[bucket]) ++bucket;
        return static_cast<uint8_t>(1u << bucket);
    }
    bool TookNewPath() {
        bool fresh = false;
        for (size_t i = 0; i < kCoverageCells; ++i) {
            if (coverage[i] == 0) continue;
            const uint8_t bucket = Bucket(coverage[i]);
            if ((seen_[i] & bucket) == 0) {
                seen_[i] |= bucket;
                fresh = true;
            }
        }
        return fresh;
    }
    std::string Mutated() {
        std::string input = corpus_[Below(corpus_.size())];
        for (size_t changes = 1 + Below(6); changes > 0; --changes) Change(input);
        if (input.size() > kLargestInput) input.resize(kLargestInput);
        return input;
    }
    void Change(std::string& input) {
        const size_t at = Below(input.size() + 1);
        const size_t length = std::min(input.size() - at, 1 + Below(8));
        switch (Below(9)) {
            case 0:
                if (at < input.size()) input[at] = static_cast<char>(input[at] ^ (1 << Below(8)));
                break;
            case 1:
                if (at < input.size()) input[at] = AnyByte();
                break;
            case 2: input.insert(at, 1 + Below(4), AnyByte()); break;
            case 3: input.erase(at, length); break;
            case 4: input.insert(at, std::string(input, Below(input.size() + 1), 1 + Below(32))); break;
            case 5: {
                const std::string& other = corpus_[Below(corpus_.size())];
                input.insert(at, other, Below(other.size() + 1), 1 + Below(64));
                break;
            }
            case 6: {
                const std::string& other = corpus_[Below(corpus_.size())];
                input = input.substr(0, at) + other.substr(Below(other.size() + 1));
                break;
            }
            case 7: {
                static constexpr uint32_t kNumbers[] = {0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff};
                uint32_t number = kNumbers[Below(std::size(kNumbers))];
                if (Below(2) == 0) number = __builtin_bswap32(number);
                const size_t width = size_t{1} << Below(3);
                if (input.size() >= at + width) std::memcpy(input.data() + at, &number, width);
                break;
            }
            default:
                if (length > 0) std::shuffle(input.begin() + static_cast<long>(at), input.begin() + static_cast<long>(at + length), random_);
        }
    }

    std::mt19937_64 random_;
    std::vector<std::string> corpus_;
    uint8_t seen_[kCoverageCells] = {};
    size_t runs_ = 0;
};

std::string Contents(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

int main(int argc, char** argv) {
    int seconds = 10;
    uint64_t seed = 1;
    std::vector<fs::path> files;
    bool folder = false;
    for (int i = 1; i < argc; ++i) {
        if (std::strcmp(argv[i], "--seconds") == 0 && i + 1 < argc) {
            seconds = std::atoi(argv[++i]);
        } else if (std::strcmp(argv[i], "--seed") == 0 && i + 1 < argc) {
            seed = std::strtoull(argv[++i], nullptr, 10);
        } else if (fs::is_directory(argv[i])) {
            folder = true;
            for (const auto& entry : fs::directory_iterator(argv[i])) files.push_back(entry.path());
        } else {
            files.emplace_back(argv[i]);
        }
    }
    std::sort(files.begin(), files.end());
    crash_path = "crash-" + fs::path(argv[0]).filename().string();
    __sanitizer_set_death_callback(SaveCurrent);
    ::signal(SIGALRM, OnAlarm);
    static Fuzzer fuzzer(seed);
    for (const fs::path& file : files) fuzzer.AddSeed(Contents(file));
    if (folder || files.empty()) fuzzer.RunMutations(std::chrono::seconds(seconds));
    itimerval off{};
    ::setitimer(ITIMER_REAL, &off, nullptr);
    std::printf("%zu runs, %zu paths\n", fuzzer.runs(), fuzzer.paths());
    return 0;
}
