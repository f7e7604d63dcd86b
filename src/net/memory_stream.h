#pragma once
// Two streams joined in memory: what a test writes into one is read from the other. Time passes when the test says so.

#include <memory>
#include <utility>

#include "env/event.h"
#include "net/stream.h"

namespace wellhead::net {

class MemoryStream final : public Stream {
  public:
    // Joined streams; at most capacity bytes are under way in each direction.
    static std::pair<std::unique_ptr<MemoryStream>, std::unique_ptr<MemoryStream>> MakePair(
        env::Executor executor, size_t capacity = 64 * 1024);
    ~MemoryStream() override;

    base::Result<std::optional<size_t>> TryRead(std::span<char> out) override;
    base::Result<size_t> TryWrite(std::span<const base::ByteView> pieces) override;
    env::Task<base::Result<void>> WaitReadable() override;
    env::Task<base::Result<void>> WaitWritable() override;
    void LimitRead(base::Duration limit) override;
    void LimitWrite(base::Duration limit) override;
    void CloseWrite() override;
    void Close() override;
    const StreamOrigin& origin() const override { return origin_; }
    env::Executor executor() const override { return executor_; }

    void set_origin(StreamOrigin origin) { origin_ = std::move(origin); }
    // The simulated deadline: the limit last set passes now, where one is set.
    void PassReadLimit();
    void PassWriteLimit();
    base::Duration read_limit() const { return read_limit_; }
    bool closed() const { return closed_; }

  private:
    struct Pipe;
    MemoryStream(env::Executor executor, std::shared_ptr<Pipe> in, std::shared_ptr<Pipe> out);

    const env::Executor executor_;
    const std::shared_ptr<Pipe> in_;
    const std::shared_ptr<Pipe> out_;
    StreamOrigin origin_;
    base::Duration read_limit_ = kNoLimit;
    base::Duration write_limit_ = kNoLimit;
    bool read_late_ = false;
    bool write_late_ = false;
    bool closed_ = false;
};

}  // namespace wellhead::net
