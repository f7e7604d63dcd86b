#include "gateway/remote.h"

namespace wellhead::gateway {

namespace {

using base::Result;

class FromStream final : public net::BodySource {
  public:
    explicit FromStream(api::StreamBody stream) : stream_(std::move(stream)) {}
    env::Task<Result<base::Bytes>> Next() override { return stream_->Read(); }

  private:
    const api::StreamBody stream_;
};

class FromReader final : public api::ByteStream {
  public:
    explicit FromReader(std::unique_ptr<net::BodyReader> reader) : reader_(std::move(reader)) {}
    env::Task<Result<base::Bytes>> Read() override { return reader_->Read(); }
    std::optional<uint64_t> length() const override { return reader_->length(); }

  private:
    const std::unique_ptr<net::BodyReader> reader_;
};

class RemoteTransport final : public api::Transport {
  public:
    RemoteTransport(net::HttpClient& client, net::HttpEndpoint endpoint, api::SigningIdentity identity,
                    env::Clock& clock)
        : client_(client), endpoint_(std::move(endpoint)), identity_(std::move(identity)), clock_(clock) {}

    env::Task<Result<api::WireResponse>> Send(std::string_view signing_name, api::WireRequest request) override {
        std::string service(signing_name);
        net::HttpClientRequest http;
        std::string payload_hash(api::kUnsignedPayload);
        bool streams = service == "s3" && request.body && request.body->length().value_or(kSmall) >= kSmall;
        if (streams) {
            http.length = request.body->length();
            http.body = std::make_unique<FromStream>(std::move(request.body));
        } else {
            CO_ASSIGN_OR_RETURN(base::Bytes body, co_await ReadBody(request.body.get()));
            payload_hash = api::Sha256Hex(body);
            http.body = std::move(body);
        }
        api::SignRequest(request, endpoint_.Authority(), service, identity_, payload_hash, clock_.Now());
        http.method = std::move(request.method);
        http.target = request.path.empty() ? "/" : request.path;
        if (!request.query.empty()) http.target += "?" + request.query;
        for (auto& [name, value] : request.headers) http.headers.Add(std::move(name), std::move(value));
        CO_ASSIGN_OR_RETURN(auto answer, co_await client_.Send(endpoint_, std::move(http)));

        api::WireResponse response;
        response.status = answer.status;
        response.headers = answer.headers.Take();
        response.body = std::make_unique<FromReader>(std::move(answer.body));
        co_return response;
    }

  private:
    static constexpr uint64_t kSmall = 64 * 1024;

    static env::Task<Result<base::Bytes>> ReadBody(api::ByteStream* stream) {
        base::Bytes all;
        while (stream != nullptr) {
            CO_ASSIGN_OR_RETURN(base::Bytes piece, co_await stream->Read());
            if (piece.empty()) break;
            all += piece;
        }
        co_return all;
    }

    net::HttpClient& client_;
    const net::HttpEndpoint endpoint_;
    const api::SigningIdentity identity_;
    env::Clock& clock_;
};

}  // namespace

std::unique_ptr<api::Transport> MakeTransport(net::HttpClient& client, net::HttpEndpoint endpoint,
                                              api::SigningIdentity identity, env::Clock& clock) {
    return std::make_unique<RemoteTransport>(client, std::move(endpoint), std::move(identity), clock);
}

}  // namespace wellhead::gateway
