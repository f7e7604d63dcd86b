#include "net/tls_stream.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <boost/asio/ip/address.hpp>
#include <cstring>

#include "base/check.h"
#include "net/tls_native.h"

namespace wellhead::net {

namespace {

using base::ErrorCode;
using base::Result;

constexpr size_t kRecordSize = 16384;  // RFC 8446 5.1

std::string PeerCertificateDer(SSL* ssl) {
    X509* certificate = SSL_get0_peer_certificate(ssl);
    if (certificate == nullptr) return {};
    int size = i2d_X509(certificate, nullptr);
    if (size <= 0) return {};
    std::string der(static_cast<size_t>(size), '\0');
    auto* to = reinterpret_cast<unsigned char*>(der.data());
    i2d_X509(certificate, &to);
    return der;
}

BIO_METHOD* SocketBioMethod();

class TlsStream final : public Stream {
  public:
    TlsStream(std::unique_ptr<SocketStream> socket, std::shared_ptr<const TlsContext> context)
        : socket_(std::move(socket)),
          context_(std::move(context)),
          ssl_(SSL_new(context_->native().context.get())),
          origin_(socket_->origin()) {
        BIO* bio = BIO_new(SocketBioMethod());
        CHECK(ssl_ && bio != nullptr);
        BIO_set_data(bio, this);
        BIO_set_init(bio, 1);
        SSL_set_bio(ssl_.get(), bio, bio);
        origin_.tls = true;
    }
    ~TlsStream() override { Close(); }

    SSL* ssl() { return ssl_.get(); }

    // OpenSSL's reads and writes, by the socket, which so knows when there is nothing more.
    int BioRead(BIO* bio, char* out, int size) {
        BIO_clear_retry_flags(bio);
        if (!socket_->may_read()) {
            BIO_set_retry_read(bio);
            return -1;
        }
        auto read = socket_->TryRead({out, static_cast<size_t>(size)});
        if (read && *read) {
            at_end_ = **read == 0;
            return static_cast<int>(**read);
        }
        if (read) {
            BIO_set_retry_read(bio);
        } else {
            socket_error_ = std::move(read.error());
        }
        return -1;
    }
    int BioWrite(BIO* bio, const char* data, int size) {
        BIO_clear_retry_flags(bio);
        const base::ByteView pieces[] = {base::ByteView(data, static_cast<size_t>(size))};
        auto taken = socket_->TryWrite(pieces);
        if (taken && *taken > 0) return static_cast<int>(*taken);
        if (taken) {
            BIO_set_retry_write(bio);
        } else {
            socket_error_ = std::move(taken.error());
        }
        return -1;
    }
    long BioControl(int command) const {
        switch (command) {
            case BIO_CTRL_FLUSH: return 1;
            case BIO_CTRL_EOF: return at_end_ ? 1 : 0;
            default: return 0;
        }
    }

    env::Task<Result<void>> Handshake() {
        for (;;) {
            ERR_clear_error();
            int status = SSL_do_handshake(ssl_.get());
            if (status == 1) break;
            int error = SSL_get_error(ssl_.get(), status);
            if (error == SSL_ERROR_WANT_READ) {
                CO_RETURN_IF_ERROR(co_await socket_->WaitReadable());
            } else if (error == SSL_ERROR_WANT_WRITE) {
                CO_RETURN_IF_ERROR(co_await socket_->WaitWritable());
            } else {
                broken_ = true;
                co_return std::unexpected(HandshakeError(error));
            }
        }
        LearnOrigin();
        co_return Result<void>();
    }

    Result<std::optional<size_t>> TryRead(std::span<char> out) override {
        if (socket_->closed()) return base::Fail(ErrorCode::kCancelled, "closed");
        if (broken_) return base::Fail(ErrorCode::kUnavailable, "the TLS connection is broken");
        size_t got = 0;
        drained_ = read_wants_write_ = false;
        // Record by record: less than out can hold means that there is no more.
        while (got < out.size()) {
            ERR_clear_error();
            size_t size = 0;
            int status = SSL_read_ex(ssl_.get(), out.data() + got, out.size() - got, &size);
            got += size;
            if (status == 1) {
                drained_ = !socket_->may_read() && SSL_has_pending(ssl_.get()) == 0;
                if (drained_) break;
                continue;
            }
            int error = SSL_get_error(ssl_.get(), status);
            if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
                drained_ = true;
                read_wants_write_ = error == SSL_ERROR_WANT_WRITE;
                break;
            }
            // What was read before comes first; the end and errors are met again.
            over_ = true;
            if (got > 0) break;
            if (error == SSL_ERROR_ZERO_RETURN) return std::optional<size_t>(0);
            return std::unexpected(TransferError(error));
        }
        return got > 0 ? std::optional<size_t>(got) : std::optional<size_t>();
    }

    Result<size_t> TryWrite(std::span<const base::ByteView> pieces) override {
        size_t taken = 0;
        size_t within = 0;  // of the first piece
        while (!pieces.empty()) {
            if (within == pieces.front().size()) {
                pieces = pieces.subspan(1);
                within = 0;
                continue;
            }
            base::ByteView record = NextRecord(pieces, within);
            auto size = WriteRecord(record);
            if (!size) return std::unexpected(size.error());
            if (*size == 0) return taken;
            taken += *size;
            size_t rest = *size;
            while (rest > 0) {
                size_t step = std::min(rest, pieces.front().size() - within);
                within += step;
                rest -= step;
                if (within == pieces.front().size()) {
                    pieces = pieces.subspan(1);
                    within = 0;
                }
            }
        }
        return taken;
    }

    env::Task<Result<void>> WaitReadable() override {
        // What OpenSSL holds already would not make the socket readable.
        if (over_ || (!drained_ && SSL_has_pending(ssl_.get()) == 1)) co_return Result<void>();
        drained_ = false;
        if (read_wants_write_) {
            co_return co_await socket_->WaitWritable();
        }
        co_return co_await socket_->WaitReadable();
    }
    env::Task<Result<void>> WaitWritable() override {
        if (write_wants_read_) return socket_->WaitReadable();
        return socket_->WaitWritable();
    }
    void LimitRead(base::Duration limit) override { socket_->LimitRead(limit); }
    void LimitWrite(base::Duration limit) override { socket_->LimitWrite(limit); }
    void CloseWrite() override {
        if (socket_->closed()) return;
        SayGoodbye();
        socket_->CloseWrite();
    }
    void Close() override {
        if (socket_->closed()) return;
        SayGoodbye();
        socket_->Close();
    }
    const StreamOrigin& origin() const override { return origin_; }
    env::Executor executor() const override { return socket_->executor(); }

  private:
    // Up to a record's worth; gathered where the pieces are small.
    static base::ByteView NextRecord(std::span<const base::ByteView> pieces, size_t within) {
        base::ByteView first = pieces.front().substr(within);
        if (first.size() >= kRecordSize) return first.substr(0, kRecordSize);
        if (pieces.size() == 1) return first;
        static thread_local char gathered[kRecordSize];
        std::memcpy(gathered, first.data(), first.size());
        size_t size = first.size();
        for (const base::ByteView& piece : pieces.subspan(1)) {
            if (piece.empty()) continue;
            size_t step = std::min(piece.size(), kRecordSize - size);
            std::memcpy(gathered + size, piece.data(), step);
            size += step;
            if (size == kRecordSize) break;
        }
        return {gathered, size};
    }

    // 0 when the socket takes no more now.
    Result<size_t> WriteRecord(base::ByteView record) {
        if (socket_->closed()) return base::Fail(ErrorCode::kCancelled, "closed");
        if (broken_) return base::Fail(ErrorCode::kUnavailable, "the TLS connection is broken");
        ERR_clear_error();
        size_t size = 0;
        write_wants_read_ = false;
        int status = SSL_write_ex(ssl_.get(), record.data(), record.size(), &size);
        if (status == 1) return size;
        int error = SSL_get_error(ssl_.get(), status);
        if (error == SSL_ERROR_WANT_WRITE) return size_t{0};
        if (error == SSL_ERROR_WANT_READ) {
            write_wants_read_ = true;
            return size_t{0};
        }
        return std::unexpected(TransferError(error));
    }

    base::Error TransferError(int error) {
        broken_ = true;
        if (error == SSL_ERROR_SYSCALL && socket_error_) return *socket_error_;
        return {ErrorCode::kUnavailable, "TLS: " + TakeTlsErrors()};
    }

    base::Error HandshakeError(int error) {
        long verified = SSL_get_verify_result(ssl_.get());
        if (error == SSL_ERROR_SSL && SSL_is_server(ssl_.get()) == 0 && verified != X509_V_OK) {
            ERR_clear_error();
            return {ErrorCode::kPermission, std::string("the server's certificate does not hold: ") +
                                                X509_verify_cert_error_string(verified)};
        }
        if (error == SSL_ERROR_SYSCALL && socket_error_) return *socket_error_;
        if (error == SSL_ERROR_SYSCALL) return {ErrorCode::kUnavailable, "closed during the TLS handshake"};
        return {ErrorCode::kInvalidArgument, "TLS handshake: " + TakeTlsErrors()};
    }

    void LearnOrigin() {
        const unsigned char* protocol = nullptr;
        unsigned size = 0;
        SSL_get0_alpn_selected(ssl_.get(), &protocol, &size);
        if (size > 0) origin_.alpn.assign(reinterpret_cast<const char*>(protocol), size);
        if (const char* name = SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name)) {
            origin_.server_name = name;
        }
        origin_.resumed = SSL_session_reused(ssl_.get()) == 1;
        if (SSL_is_server(ssl_.get()) == 1) origin_.client_certificate_der = PeerCertificateDer(ssl_.get());
    }

    void SayGoodbye() {
        if (broken_ || SSL_in_init(ssl_.get()) != 0) return;
        ERR_clear_error();
        SSL_shutdown(ssl_.get());
        ERR_clear_error();
    }

    const std::unique_ptr<SocketStream> socket_;
    const std::shared_ptr<const TlsContext> context_;
    const std::unique_ptr<SSL, SslDeleter> ssl_;
    StreamOrigin origin_;
    std::optional<base::Error> socket_error_;
    bool at_end_ = false;
    bool drained_ = false;  // OpenSSL has no whole record and waits for the socket
    bool read_wants_write_ = false;
    bool write_wants_read_ = false;
    bool over_ = false;  // the other side said so, or an error
    bool broken_ = false;
};

TlsStream& StreamOf(BIO* bio) { return *static_cast<TlsStream*>(BIO_get_data(bio)); }
int ReadOfBio(BIO* bio, char* out, int size) { return StreamOf(bio).BioRead(bio, out, size); }
int WriteOfBio(BIO* bio, const char* data, int size) { return StreamOf(bio).BioWrite(bio, data, size); }
long ControlOfBio(BIO* bio, int command, long, void*) { return StreamOf(bio).BioControl(command); }

BIO_METHOD* MakeSocketBioMethod() {
    BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "wellhead socket");
    CHECK(method != nullptr && BIO_meth_set_read(method, ReadOfBio) == 1 &&
          BIO_meth_set_write(method, WriteOfBio) == 1 && BIO_meth_set_ctrl(method, ControlOfBio) == 1);
    return method;
}

BIO_METHOD* SocketBioMethod() {
    static BIO_METHOD* const method = MakeSocketBioMethod();
    return method;
}

}  // namespace

env::Task<Result<std::unique_ptr<Stream>>> AcceptTls(std::unique_ptr<SocketStream> socket,
                                                     std::shared_ptr<const TlsContext> context) {
    auto stream = std::make_unique<TlsStream>(std::move(socket), std::move(context));
    SSL_set_accept_state(stream->ssl());
    CO_RETURN_IF_ERROR(co_await stream->Handshake());
    co_return std::unique_ptr<Stream>(std::move(stream));
}

env::Task<Result<std::unique_ptr<Stream>>> ConnectTls(std::unique_ptr<SocketStream> socket,
                                                      std::shared_ptr<const TlsContext> context,
                                                      std::string server_name) {
    bool verify = context->native().verify;
    auto stream = std::make_unique<TlsStream>(std::move(socket), std::move(context));
    SSL* ssl = stream->ssl();
    SSL_set_connect_state(ssl);
    boost::system::error_code not_an_address;
    boost::asio::ip::make_address(server_name, not_an_address);
    if (not_an_address) SSL_set_tlsext_host_name(ssl, server_name.c_str());
    if (verify) {
        int set = not_an_address ? SSL_set1_host(ssl, server_name.c_str())
                                 : X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), server_name.c_str());
        if (set != 1) co_return base::Fail(ErrorCode::kInvalidArgument, "bad server name " + server_name);
    }
    CO_RETURN_IF_ERROR(co_await stream->Handshake());
    co_return std::unique_ptr<Stream>(std::move(stream));
}

}  // namespace wellhead::net
