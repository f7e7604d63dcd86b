#pragma once
// Signing in: from a password or its proof, over the challenges in between, to tokens. Used by the API's InitiateAuth
// and by the hosted login, so that both hold to the same rules.

#include "api/seal.h"
#include "services/cognito/attempts.h"
#include "services/cognito/tokens.h"

namespace wellhead::services::cognito {

using Parameters = std::map<std::string, std::string>;

// What a step of a sign-in led to: tokens, or a challenge to answer.
struct SignInStep {
    std::optional<idp::AuthenticationResultType> result;
    std::string challenge;
    Parameters parameters;
    std::string session;
};

// Thread-safe. What the constructor is given outlives it.
class SignIn {
  public:
    SignIn(Dependencies dependencies, Store& store, Tokens& tokens)
        : deps_(dependencies), store_(store), tokens_(tokens) {}

    // InitiateAuth and AdminInitiateAuth.
    env::Task<api::Outcome<SignInStep>> Start(Client client, std::string flow, Parameters parameters, bool admin);
    // RespondToAuthChallenge and AdminRespondToAuthChallenge.
    env::Task<api::Outcome<SignInStep>> Respond(Client client, std::string challenge, std::string session,
                                                Parameters responses);

    // The user whose name and password these are, in any status but disabled. Counts failures and locks out.
    env::Task<api::Outcome<User>> CheckPassword(const Pool& pool, const Client& client, std::string name,
                                                std::string password);
    // What stands between a right password and the tokens; nothing, or a ServiceError, or "NEW_PASSWORD_REQUIRED".
    api::Outcome<std::string> ChallengeAfterPassword(const User& user);
    // The new password of a user who must change it; the user is CONFIRMED then. Attributes are set along with it.
    env::Task<api::Outcome<User>> TakeNewPassword(const Pool& pool, std::string username, std::string new_password,
                                                  std::map<std::string, std::string> attributes);
    // Whether this was the password all along: for ChangePassword.
    env::Task<bool> Matches(const Pool& pool, const User& user, std::string password);
    env::Task<SrpVerifier> Verifier(const Pool& pool, std::string username, std::string password);

    // HMAC over the name and the client's id, for clients with a secret. NotAuthorizedException.
    static api::Outcome<void> CheckSecretHash(const Client& client, const std::string& name,
                                              const std::optional<std::string>& hash);
    // "Incorrect username or password.", or UserNotFoundException where the client wants to know.
    static api::ServiceError NoSuchUser(const Client& client);
    Attempts& attempts() { return attempts_; }

  private:
    env::Task<api::Outcome<SignInStep>> StartSrp(const Pool& pool, const Client& client, Parameters parameters);
    env::Task<api::Outcome<SignInStep>> StartPassword(const Pool& pool, const Client& client, Parameters parameters);
    env::Task<api::Outcome<SignInStep>> VerifyProof(const Pool& pool, const Client& client, Parameters responses);
    env::Task<api::Outcome<SignInStep>> AnswerNewPassword(const Pool& pool, const Client& client, std::string session,
                                                          Parameters responses);
    env::Task<api::Outcome<SignInStep>> Finish(const Pool& pool, const Client& client, const User& user);
    bool UsedBefore(const std::string& nonce, base::Instant expires);

    Dependencies deps_;
    Store& store_;
    Tokens& tokens_;
    Attempts attempts_;
    std::mutex mutex_;
    std::map<std::string, base::Instant> used_;  // nonces of answered challenges, until they expire anyway
};

}  // namespace wellhead::services::cognito
