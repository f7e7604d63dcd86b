#include "api/credentials.h"

namespace wellhead::api {

namespace {

class RootCredentials final : public CredentialStore {
  public:
    RootCredentials(std::string access_key_id, std::shared_ptr<const AccessKey> key)
        : access_key_id_(std::move(access_key_id)), key_(std::move(key)) {}
    std::shared_ptr<const AccessKey> Find(std::string_view access_key_id) const override {
        return access_key_id == access_key_id_ ? key_ : nullptr;
    }

  private:
    const std::string access_key_id_;
    const std::shared_ptr<const AccessKey> key_;
};

}  // namespace

std::unique_ptr<CredentialStore> MakeRootCredentials(std::string access_key_id, std::string secret,
                                                     const std::string& account_id) {
    auto key = std::make_shared<AccessKey>();
    key->secret = std::move(secret);
    key->identity.account_id = account_id;
    key->identity.arn = "arn:aws:iam::" + account_id + ":root";
    key->identity.access_key_id = access_key_id;
    key->identity.authenticated = true;
    key->identity.root = true;
    return std::make_unique<RootCredentials>(std::move(access_key_id), std::move(key));
}

}  // namespace wellhead::api
