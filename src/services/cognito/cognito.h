#pragma once
// Cognito user pools: the API, and the pages and endpoints of the hosted login.

#include <memory>
#include <string>

#include "env/blocking_pool.h"
#include "env/clock.h"
#include "env/random.h"
#include "net/http.h"
#include "storage/table/table.h"

namespace wellhead::apis::cognito_idp {
class CognitoIdpApi;
}

namespace wellhead::services::cognito {

struct Settings {
    std::string region = "us-east-1";
    std::string account_id = "000000000000";
    // Where clients reach this program: tokens say "<issuer_base>/<pool id>" and discovery names addresses below it.
    // "http://127.0.0.1:4566"
    std::string issuer_base = "http://127.0.0.1:4566";
};

// All of them outlive the service. The pool runs password and signature arithmetic, a few milliseconds a call.
struct Dependencies {
    storage::Table& table;
    env::Clock& clock;
    env::Random& random;
    env::BlockingPool& pool;
};

class Cognito {
  public:
    static std::unique_ptr<Cognito> Open(Dependencies dependencies, Settings settings);
    virtual ~Cognito() = default;

    // Thread-safe.
    virtual apis::cognito_idp::CognitoIdpApi& api() = 0;

    // Serves, by path,
    //     /<pool id>/.well-known/jwks.json, /<pool id>/.well-known/openid-configuration
    //     /_aws/cognito/<domain>/{login,logout,oauth2/authorize,oauth2/token,oauth2/userInfo,oauth2/revoke}
    // and the latter without the prefix: for a listener of its own name, or the console's. Links between the pages are
    // relative, so whoever forwards to this handler may put a path in front. Thread-safe.
    virtual net::HttpHandler& login() = 0;

    // True for the paths above that no bucket's name can stand in front of: ".well-known" below a pool id, and
    // "/_aws/cognito/"; and for any path when the authority is "<domain>.auth...." of a domain that has this form.
    virtual bool Owns(const net::HttpRequest& request) const = 0;
};

}  // namespace wellhead::services::cognito
