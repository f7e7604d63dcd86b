#pragma once
// The tokens of a sign-in: made, renewed, checked, revoked.

#include "env/blocking_pool.h"
#include "services/cognito/cognito.h"
#include "services/cognito/store.h"

namespace wellhead::services::cognito {

// How a sign-in came about, as far as its tokens say it.
struct SignInFacts {
    // Scopes of the access token. Through the API always "aws.cognito.signin.user.admin".
    std::string scope = "aws.cognito.signin.user.admin";
    std::string nonce;
    // Through the hosted login: an id token only with the scope "openid", and only the attributes that the scopes name.
    bool hosted = false;
};

// Who an access token speaks for.
struct TokenBearer {
    Pool pool;
    User user;
    std::string client_id;
    std::string origin_jti;
    std::string scope;
};

// Thread-safe. What the constructor is given outlives it.
class Tokens {
  public:
    Tokens(Dependencies dependencies, Store& store, const Settings& settings)
        : deps_(dependencies), store_(store), settings_(settings) {}

    // A new session with its three tokens. The refresh token is on stable storage when it succeeds.
    env::Task<api::Outcome<idp::AuthenticationResultType>> SignIn(const Pool& pool, const Client& client,
                                                                  const User& user, SignInFacts facts);
    // New id and access tokens, and a new refresh token where the client rotates them. NotAuthorizedException.
    env::Task<api::Outcome<idp::AuthenticationResultType>> Refresh(const Client& client, std::string refresh_token);
    // The access token of client_credentials: no user, no session.
    env::Task<api::Outcome<std::string>> ForMachine(const Pool& pool, const Client& client, std::string scope);

    // NotAuthorizedException when the token is forged, expired or revoked, or its user is gone or disabled.
    env::Task<api::Outcome<TokenBearer>> Authenticate(std::string access_token);

    // The session of this refresh token ends. Unknown tokens are no error (RFC 7009, 2.2).
    env::Task<api::Outcome<void>> Revoke(const Client& client, std::string refresh_token);

    // The username a refresh token is of; for the secret hash. Not a proof of anything.
    static std::string UsernameOf(const std::string& refresh_token);

    std::string Issuer(const std::string& pool_id) const;
    // Seconds.
    static int64_t AccessValidity(const Client& client);

  private:
    env::Task<api::Outcome<Session>> SessionOf(const Client& client, const std::string& refresh_token);
    env::Task<api::Outcome<idp::AuthenticationResultType>> Sign(const Pool& pool, const Client& client,
                                                                const User& user, const Session& session,
                                                                const SignInFacts& facts);

    Dependencies deps_;
    Store& store_;
    const Settings& settings_;
};

}  // namespace wellhead::services::cognito
