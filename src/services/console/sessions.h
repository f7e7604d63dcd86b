#pragma once
// The sessions of signed-in browsers. The browser holds a random id in a cookie; the tokens stay here, at rest sealed
// with a key made from that id, so that the table alone opens no session.

#include <map>
#include <mutex>
#include <optional>

#include "api/jwt.h"
#include "services/console/console.h"

namespace wellhead::services::console {

// The OAuth client that the console is.
struct LoginClient {
    std::string user_pool_id;
    std::string client_id;
    std::string client_secret;  // empty for a public client
};

struct SignedIn {
    std::string username;
    std::string email;
    std::vector<std::string> groups;
};

// Thread-safe.
class Sessions {
  public:
    Sessions(Apis apis, Dependencies dependencies, LoginClient client)
        : apis_(apis), deps_(dependencies), client_(std::move(client)) {}

    // Sessions that expired while the program was away go.
    env::Task<base::Result<void>> RemoveExpired();

    // Exchanges an authorization code, and answers the id for the cookie. redirect_uri as in the authorization.
    env::Task<base::Result<std::string>> Begin(std::string code, std::string verifier, std::string redirect_uri,
                                               std::string nonce);
    // Who this id belongs to; renews the tokens when they have expired. Nothing when there is no such session, or its
    // refresh token is not honoured any more.
    env::Task<std::optional<SignedIn>> Find(std::string id);
    // Revokes the tokens and forgets the session.
    env::Task<void> End(std::string id);

    const LoginClient& client() const { return client_; }

  private:
    struct Tokens {
        std::string access;
        std::string id;
        std::string refresh;
    };
    struct Entry {
        Tokens tokens;
        SignedIn who;
        base::Instant fresh_until;
    };

    env::Task<base::Result<void>> LoadKeys();
    // Verifies both tokens, and keeps them under id.
    env::Task<base::Result<Entry>> Accept(Tokens tokens, const std::string& nonce);
    env::Task<base::Result<void>> Keep(const std::string& id, const Entry& entry);
    env::Task<std::optional<Tokens>> Load(const std::string& id);
    env::Task<std::optional<Entry>> Renew(const std::string& id, Tokens tokens);

    Apis apis_;
    Dependencies deps_;
    LoginClient client_;
    std::mutex mutex_;
    std::optional<api::JwtKeySet> keys_;
    std::map<std::string, Entry> entries_;  // by the key of the id
};

// A request to the login handler that comes from inside; the body is a form.
env::Task<net::HttpResponse> AskLogin(net::HttpHandler& login, std::string method, std::string target,
                                      std::string body);

}  // namespace wellhead::services::console
