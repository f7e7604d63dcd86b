#pragma once
// The hosted login: OpenID Connect discovery and keys, the page a person signs in on, and the OAuth 2.0 endpoints
// (RFC 6749 with PKCE, RFC 7636; revocation, RFC 7009). Every authorization asks for the password: there is no sign-in
// that lasts from one application to the next, so nothing is left behind in the browser.

#include <mutex>

#include "codec/form.h"
#include "net/http.h"
#include "services/cognito/sign_in.h"

namespace wellhead::services::cognito {

class HostedLogin final : public net::HttpHandler {
  public:
    HostedLogin(Dependencies dependencies, const Settings& settings, Store& store, Tokens& tokens, SignIn& sign_in);

    env::Task<net::HttpResponse> Handle(net::HttpRequest& request) override;
    bool Owns(const net::HttpRequest& request) const;

  private:
    // What /oauth2/authorize and /login are asked for, checked against the client.
    struct Authorization {
        Pool pool;
        Client client;
        std::string redirect_uri;
        std::string scope;
        std::string state;
        std::string nonce;
        std::string challenge;  // S256, empty without PKCE
    };
    struct GrantedCode {
        std::string pool_id;
        std::string client_id;
        std::string username;
        std::string redirect_uri;
        std::string scope;
        std::string nonce;
        std::string challenge;
        base::Instant expires;
        bool used = false;
        std::string refresh_token;  // of a used code: revoked when the code comes again
    };

    env::Task<net::HttpResponse> ServeKeys(std::string pool_id);
    env::Task<net::HttpResponse> ServeDiscovery(std::string pool_id);
    env::Task<net::HttpResponse> ServeAuthorize(net::HttpRequest& request, std::string domain);
    env::Task<net::HttpResponse> ServeLogin(net::HttpRequest& request, std::string domain);
    env::Task<net::HttpResponse> ServeLogout(net::HttpRequest& request);
    env::Task<net::HttpResponse> ServeToken(net::HttpRequest& request);
    env::Task<net::HttpResponse> ServeUserInfo(net::HttpRequest& request);
    env::Task<net::HttpResponse> ServeRevoke(net::HttpRequest& request);

    // Either the checked authorization, or what to answer instead.
    env::Task<std::expected<Authorization, net::HttpResponse>> CheckAuthorization(net::HttpRequest& request,
                                                                                  std::string domain);
    env::Task<std::expected<User, std::string>> TakePassword(const Authorization& authorization,
                                                             const codec::Form& form, net::HttpRequest& request,
                                                             std::optional<net::HttpResponse>& page);
    net::HttpResponse LoginPageFor(const Authorization& authorization, const net::HttpRequest& request,
                                   std::string username, std::string error);
    net::HttpResponse NewPasswordPageFor(const Authorization& authorization, const net::HttpRequest& request,
                                         const User& user, std::string error);
    net::HttpResponse Grant(const Authorization& authorization, const User& user);

    env::Task<std::expected<Client, net::HttpResponse>> AuthenticateClient(net::HttpRequest& request,
                                                                           const codec::Form& form);
    env::Task<net::HttpResponse> RedeemCode(const Client& client, const codec::Form& form);
    env::Task<net::HttpResponse> RedeemRefreshToken(const Client& client, const codec::Form& form);
    env::Task<net::HttpResponse> GiveToMachine(const Client& client, const codec::Form& form);

    Dependencies deps_;
    const Settings& settings_;
    Store& store_;
    Tokens& tokens_;
    SignIn& sign_in_;
    std::mutex mutex_;
    std::map<std::string, GrantedCode> codes_;  // by the code's hash
};

}  // namespace wellhead::services::cognito
