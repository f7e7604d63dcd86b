#include "gateway/bodies.h"

#include "base/log.h"

namespace wellhead::gateway {

namespace {

class ConnectionStream final : public api::ByteStream {
  public:
    explicit ConnectionStream(net::BodyReader& reader) : reader_(reader) {}
    env::Task<base::Result<base::Bytes>> Read() override { return reader_.Read(); }
    std::optional<uint64_t> length() const override { return reader_.length(); }

  private:
    net::BodyReader& reader_;
};

class StreamSource final : public net::BodySource {
  public:
    explicit StreamSource(api::StreamBody stream) : stream_(std::move(stream)) {}
    env::Task<base::Result<base::Bytes>> Next() override { return stream_->Read(); }

  private:
    const api::StreamBody stream_;
};

}  // namespace

api::StreamBody FromConnection(net::BodyReader& reader) { return std::make_unique<ConnectionStream>(reader); }

net::HttpResponse ToHttp(api::WireResponse response) {
    net::HttpResponse http;
    http.status = response.status;
    for (auto& [name, value] : response.headers) http.headers.Add(std::move(name), std::move(value));
    if (auto* bytes = std::get_if<base::Bytes>(&response.body)) {
        http.body = std::move(*bytes);
        return http;
    }
    auto& stream = std::get<api::StreamBody>(response.body);
    if (!stream) return http;
    if (auto part = stream->file_part()) {
        http.body = net::FileSlice{std::move(part->file), part->offset, part->length};
    } else {
        http.length = stream->length();
        http.body = std::make_unique<StreamSource>(std::move(stream));
    }
    return http;
}

}  // namespace wellhead::gateway
