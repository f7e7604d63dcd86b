#pragma once
// The console: one HttpHandler for its listener. Without a session it serves the sign-in and nothing else.

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "api/service.h"
#include "env/clock.h"
#include "env/random.h"
#include "env/scope.h"
#include "net/http.h"
#include "services/console/page_files.h"
#include "storage/table/table.h"

namespace wellhead::apis {
namespace athena {
class AthenaApi;
}
namespace cognito_idp {
class CognitoIdpApi;
}
namespace firehose {
class FirehoseApi;
}
namespace glue {
class GlueApi;
}
namespace iot {
class IotApi;
}
namespace iot_data {
class IotDataApi;
}
namespace kinesis {
class KinesisApi;
}
namespace s3 {
class S3Api;
}
}  // namespace wellhead::apis

namespace wellhead::services::console {

// What the console shows. A null one is shown as not there.
struct Apis {
    apis::cognito_idp::CognitoIdpApi* cognito = nullptr;  // never null
    net::HttpHandler* login = nullptr;                    // the user pools' pages and endpoints; never null
    apis::kinesis::KinesisApi* kinesis = nullptr;
    apis::iot::IotApi* iot = nullptr;
    apis::iot_data::IotDataApi* iot_data = nullptr;
    apis::firehose::FirehoseApi* firehose = nullptr;
    apis::s3::S3Api* s3 = nullptr;
    apis::glue::GlueApi* glue = nullptr;
    apis::athena::AthenaApi* athena = nullptr;
};

struct Settings {
    std::string region = "us-east-1";
    std::string account_id = "000000000000";
    std::string version;
    std::string aws_endpoint;   // shown to the user
    std::string mqtt_endpoint;  // shown on the pipeline map
    // Between two looks at a stream's tip, while someone watches it and readings arrive. For a Kinesis elsewhere: 250 ms
    // or more.
    base::Duration poll_interval = std::chrono::milliseconds(1);
    // The user pool and client that sign users in. Empty: a pool of the console's own, "wellhead-console", made at the
    // first start. A client given here must have "<origin>/login-callback" among its callback URLs.
    std::string user_pool_id;
    std::string client_id;
    // The addresses the page is reached at, "http://127.0.0.1:8080". Requests that name another are refused: a name that
    // another site points at this address (DNS rebinding) gets nothing. See SetOrigins.
    std::vector<std::string> origins;
};

// All of them outlive the console. home: the executor that follows streams.
struct Dependencies {
    storage::Table& table;
    env::Clock& clock;
    env::Random& random;
    env::Scope& scope;
    env::Executor home;
};

// Whom to print at the start: a user whose password is still the generated one.
struct FirstLogin {
    std::string username;
    std::string password;
};

class Console {
  public:
    // Finds or makes the pool, client and first user. page: the files of the built page.
    static env::Task<base::Result<std::unique_ptr<Console>>> Open(Apis apis, Dependencies dependencies,
                                                                  Settings settings, std::span<const PageFile> page);
    virtual ~Console() = default;

    virtual net::HttpHandler& handler() = 0;
    // For a server that learns its port by listening: the addresses from now on. Thread-safe.
    virtual env::Task<base::Result<void>> SetOrigins(std::vector<std::string> origins) = 0;
    // Set as long as the first user of the console's own pool has not chosen a password: a new one at every start.
    virtual const std::optional<FirstLogin>& first_login() const = 0;
};

}  // namespace wellhead::services::console
