#include "net/tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "net/tls_native.h"

namespace wellhead::net {

namespace {

using base::ErrorCode;
using base::Result;

struct BioDeleter {
    void operator()(BIO* bio) const { BIO_free(bio); }
};
struct CertificateDeleter {
    void operator()(X509* certificate) const { X509_free(certificate); }
};
struct KeyDeleter {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using Bio = std::unique_ptr<BIO, BioDeleter>;
using Certificate = std::unique_ptr<X509, CertificateDeleter>;

std::unexpected<base::Error> FailTls(const std::string& what) {
    return base::Fail(ErrorCode::kInvalidArgument, what + ": " + TakeTlsErrors());
}

Result<std::vector<Certificate>> ParseCertificates(const std::string& pem) {
    Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    std::vector<Certificate> certificates;
    while (X509* next = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
        certificates.emplace_back(next);
    }
    if (certificates.empty()) return FailTls("no certificate in the PEM text");
    ERR_clear_error();  // the end of the text is reported as an error
    return certificates;
}

Result<void> UseIdentity(SSL_CTX* context, const TlsIdentity& identity) {
    ASSIGN_OR_RETURN(auto chain, ParseCertificates(identity.certificate_chain_pem));
    Bio bio(BIO_new_mem_buf(identity.private_key_pem.data(),
                            static_cast<int>(identity.private_key_pem.size())));
    std::unique_ptr<EVP_PKEY, KeyDeleter> key(
        PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
    if (!key) return FailTls("private key");
    if (SSL_CTX_use_certificate(context, chain.front().get()) != 1) return FailTls("certificate");
    for (size_t i = 1; i < chain.size(); ++i) {
        if (SSL_CTX_add1_chain_cert(context, chain[i].get()) != 1) return FailTls("certificate chain");
    }
    if (SSL_CTX_use_PrivateKey(context, key.get()) != 1) return FailTls("private key");
    if (SSL_CTX_check_private_key(context) != 1) return FailTls("the key is not the certificate's");
    return {};
}

// For servers: any chain passes here, its trust is decided by the handler (certificates are registered, not only signed).
int AcceptAnyChain(X509_STORE_CTX*, void*) { return 1; }

int ChooseAlpn(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* offered,
               unsigned offered_size, void* native) {
    for (const std::string& ours : static_cast<TlsContext::Native*>(native)->alpn) {
        for (unsigned at = 0; at < offered_size;) {
            unsigned size = offered[at];
            if (at + 1 + size > offered_size) return SSL_TLSEXT_ERR_ALERT_FATAL;
            std::string_view theirs(reinterpret_cast<const char*>(offered + at + 1), size);
            if (theirs == ours) {
                *out = offered + at + 1;
                *out_size = static_cast<unsigned char>(size);
                return SSL_TLSEXT_ERR_OK;
            }
            at += 1 + size;
        }
    }
    return SSL_TLSEXT_ERR_NOACK;
}

void SetCommon(SSL_CTX* context) {
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    // Buffers are given back while a connection is idle; a write may be retried from another address.
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(context, 1);
}

}  // namespace

std::string TakeTlsErrors() {
    unsigned long error = 0;
    unsigned long newest = 0;
    while ((error = ERR_get_error()) != 0) newest = error;
    if (newest == 0) return "unknown reason";
    char text[256];
    ERR_error_string_n(newest, text, sizeof text);
    return text;
}

TlsContext::TlsContext(std::unique_ptr<Native> native) : native_(std::move(native)) {}
TlsContext::~TlsContext() = default;

Result<std::shared_ptr<const TlsContext>> TlsContext::MakeServer(const TlsServerOptions& options) {
    auto native = std::make_unique<Native>();
    native->context.reset(SSL_CTX_new(TLS_server_method()));
    SSL_CTX* context = native->context.get();
    if (context == nullptr) return FailTls("context");
    SetCommon(context);
    RETURN_IF_ERROR(UseIdentity(context, options.identity));
    SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    // Resumption is by tickets alone: no cache to share, no lock.
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context, 1);
    static constexpr unsigned char kSessionContext[] = "wellhead";
    SSL_CTX_set_session_id_context(context, kSessionContext, sizeof kSessionContext - 1);
    if (options.client_certificate != ClientCertificate::kNone) {
        int mode = SSL_VERIFY_PEER | SSL_VERIFY_CLIENT_ONCE;
        if (options.client_certificate == ClientCertificate::kRequired) {
            mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
        }
        SSL_CTX_set_verify(context, mode, nullptr);
        SSL_CTX_set_cert_verify_callback(context, AcceptAnyChain, nullptr);
    }
    if (!options.client_authorities_pem.empty()) {
        ASSIGN_OR_RETURN(auto authorities, ParseCertificates(options.client_authorities_pem));
        for (auto& authority : authorities) SSL_CTX_add_client_CA(context, authority.get());
    }
    native->alpn = options.alpn;
    if (!native->alpn.empty()) SSL_CTX_set_alpn_select_cb(context, ChooseAlpn, native.get());
    return std::shared_ptr<const TlsContext>(new TlsContext(std::move(native)));
}

Result<std::shared_ptr<const TlsContext>> TlsContext::MakeClient(const TlsClientOptions& options) {
    auto native = std::make_unique<Native>();
    native->context.reset(SSL_CTX_new(TLS_client_method()));
    SSL_CTX* context = native->context.get();
    if (context == nullptr) return FailTls("context");
    SetCommon(context);
    native->verify = options.verify;
    if (options.verify) {
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
        if (options.authorities_pem.empty()) {
            if (SSL_CTX_set_default_verify_paths(context) != 1) return FailTls("trusted authorities");
        } else {
            ASSIGN_OR_RETURN(auto authorities, ParseCertificates(options.authorities_pem));
            for (auto& authority : authorities) {
                X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority.get());
            }
        }
    }
    if (!options.identity.certificate_chain_pem.empty()) {
        RETURN_IF_ERROR(UseIdentity(context, options.identity));
    }
    std::string offered;
    for (const std::string& protocol : options.alpn) {
        offered.push_back(static_cast<char>(protocol.size()));
        offered += protocol;
    }
    if (!offered.empty()) {
        SSL_CTX_set_alpn_protos(context, reinterpret_cast<const unsigned char*>(offered.data()),
                                static_cast<unsigned>(offered.size()));
    }
    return std::shared_ptr<const TlsContext>(new TlsContext(std::move(native)));
}

}  // namespace wellhead::net
