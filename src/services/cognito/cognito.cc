#include "services/cognito/cognito.h"

#include "services/cognito/hosted_login.h"
#include "services/cognito/service.h"

namespace wellhead::services::cognito {

namespace {

class UserPools final : public Cognito {
  public:
    UserPools(Dependencies dependencies, Settings settings)
        : settings_(std::move(settings)),
          store_(dependencies.table),
          tokens_(dependencies, store_, settings_),
          sign_in_(dependencies, store_, tokens_),
          service_(dependencies, settings_, store_, tokens_, sign_in_),
          hosted_(dependencies, settings_, store_, tokens_, sign_in_) {}

    idp::CognitoIdpApi& api() override { return service_; }
    net::HttpHandler& login() override { return hosted_; }
    bool Owns(const net::HttpRequest& request) const override { return hosted_.Owns(request); }

  private:
    Settings settings_;
    Store store_;
    Tokens tokens_;
    SignIn sign_in_;
    CognitoService service_;
    HostedLogin hosted_;
};

}  // namespace

std::unique_ptr<Cognito> Cognito::Open(Dependencies dependencies, Settings settings) {
    return std::make_unique<UserPools>(dependencies, std::move(settings));
}

}  // namespace wellhead::services::cognito
