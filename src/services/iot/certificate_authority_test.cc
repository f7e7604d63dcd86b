#include "services/iot/certificate_authority.h"

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "env/posix/posix.h"

namespace wellhead::services::iot {
namespace {

constexpr base::Instant kNow = base::FromUnixMs(1'800'000'000'000);

class CertificateAuthorityTest : public testing::Test {
  protected:
    void SetUp() override {
        random_ = env::posix::MakeRandom();
        auto made = CertificateAuthority::Make(*random_, kNow);
        ASSERT_TRUE(made) << made.error().message;
        authority_.emplace(std::move(*made));
    }
    X509Pointer Authority() { return *CertificateFromPem(authority_->certificate_pem()); }

    std::unique_ptr<env::Random> random_;
    std::optional<CertificateAuthority> authority_;
};

TEST_F(CertificateAuthorityTest, SignsItselfForManyYears) {
    X509Pointer certificate = Authority();
    EXPECT_TRUE(IsSignedBy(*certificate, *certificate));
    CertificateFacts facts = FactsOf(*certificate);
    EXPECT_TRUE(facts.is_authority);
    EXPECT_GT(facts.not_after, kNow + std::chrono::hours(24 * 365 * 10));
    EXPECT_EQ(facts.id, authority_->id());
}

TEST_F(CertificateAuthorityTest, IsTheSameAfterLoading) {
    auto loaded = CertificateAuthority::Load(authority_->certificate_pem(), authority_->key_pem());
    ASSERT_TRUE(loaded);
    EXPECT_EQ(loaded->id(), authority_->id());
    auto other = CertificateAuthority::Make(*random_, kNow);
    EXPECT_FALSE(CertificateAuthority::Load(authority_->certificate_pem(), other->key_pem()));
}

TEST_F(CertificateAuthorityTest, IssuesDeviceCertificatesThatItSigned) {
    auto issued = authority_->IssueDeviceCertificate(*random_, kNow);
    ASSERT_TRUE(issued) << issued.error().message;
    X509Pointer certificate = *CertificateFromPem(issued->certificate_pem);
    EXPECT_TRUE(IsSignedBy(*certificate, *Authority()));
    CertificateFacts facts = FactsOf(*certificate);
    EXPECT_FALSE(facts.is_authority);
    EXPECT_EQ(facts.subject_common_name, "AWS IoT Certificate");
    EXPECT_EQ(facts.id.size(), 64u);
    EXPECT_TRUE(issued->private_key_pem.starts_with("-----BEGIN RSA PRIVATE KEY-----"));
    EXPECT_TRUE(issued->public_key_pem.starts_with("-----BEGIN PUBLIC KEY-----"));
    auto key = PrivateKeyFromPem(issued->private_key_pem);
    ASSERT_TRUE(key);
    EXPECT_EQ(X509_check_private_key(certificate.get(), key->get()), 1);
    EXPECT_NE(issued->certificate_pem, authority_->IssueDeviceCertificate(*random_, kNow)->certificate_pem);
}

TEST_F(CertificateAuthorityTest, IssuesForASigningRequestAndKeepsItsName) {
    KeyPointer key(EVP_EC_gen("P-256"));
    std::unique_ptr<X509_REQ, decltype(&X509_REQ_free)> request(X509_REQ_new(), X509_REQ_free);
    X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(request.get()), "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>("well-07"), -1, -1, 0);
    X509_REQ_set_pubkey(request.get(), key.get());
    X509_REQ_sign(request.get(), key.get(), EVP_sha256());
    std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new(BIO_s_mem()), BIO_free);
    PEM_write_bio_X509_REQ(bio.get(), request.get());
    char* data = nullptr;
    long size = BIO_get_mem_data(bio.get(), &data);
    auto issued = authority_->IssueFromRequest({data, static_cast<size_t>(size)}, *random_, kNow);
    ASSERT_TRUE(issued) << issued.error().message;
    X509Pointer certificate = *CertificateFromPem(issued->certificate_pem);
    EXPECT_EQ(FactsOf(*certificate).subject_common_name, "well-07");
    EXPECT_TRUE(IsSignedBy(*certificate, *Authority()));
    EXPECT_FALSE(authority_->IssueFromRequest("nonsense", *random_, kNow));
}

TEST_F(CertificateAuthorityTest, NamesTheServerByAllItsNames) {
    auto issued = authority_->IssueServerCertificate({"localhost", "127.0.0.1", "::1", "*.iot.eu-west-1.amazonaws.com"},
                                                     std::chrono::hours(24 * 365), *random_, kNow);
    ASSERT_TRUE(issued) << issued.error().message;
    X509Pointer certificate = *CertificateFromPem(issued->certificate_pem);
    EXPECT_EQ(X509_check_host(certificate.get(), "localhost", 0, 0, nullptr), 1);
    EXPECT_EQ(X509_check_host(certificate.get(), "abc-ats.iot.eu-west-1.amazonaws.com", 0, 0, nullptr), 1);
    EXPECT_EQ(X509_check_ip_asc(certificate.get(), "127.0.0.1", 0), 1);
    EXPECT_EQ(X509_check_ip_asc(certificate.get(), "127.0.0.2", 0), 0);
}

TEST_F(CertificateAuthorityTest, DoesNotTakeForeignCertificatesForItsOwn) {
    auto other = CertificateAuthority::Make(*random_, kNow);
    auto issued = other->IssueDeviceCertificate(*random_, kNow);
    X509Pointer certificate = *CertificateFromPem(issued->certificate_pem);
    EXPECT_FALSE(IsSignedBy(*certificate, *Authority()));
}

}  // namespace
}  // namespace wellhead::services::iot
