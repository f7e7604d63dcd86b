#pragma once
// World: the services over the data directory, and what they need of each other. No listeners: those belong to the Node,
// and outlive a reset.

#include <memory>
#include <optional>
#include <string>

#include "api/credentials.h"
#include "apis/cloudformation/api.h"
#include "env/clock.h"
#include "env/files.h"
#include "env/posix/io_threads.h"
#include "env/random.h"
#include "net/http.h"
#include "net/stream.h"
#include "net/tls.h"
#include "server/data_dir.h"
#include "server/options.h"

namespace wellhead::server {

struct FirstLogin {
    std::string username;
    std::string password;
};

// All outlive the world. options: ports are chosen.
struct WorldGround {
    const UpOptions& options;
    env::Clock& clock;
    env::Random& random;
    env::Files& files;
    const DataDir& data;
    const RootKey& root_key;
    const api::CredentialStore& credentials;
    env::posix::IoThreads& io;
};

// What a reset leaves: the authority that signed the certificates clients trust.
using KeptRecords = std::vector<std::pair<std::string, std::string>>;

class World {
  public:
    // kept: what an earlier world gave, to be there from the start.
    static env::Task<base::Result<std::unique_ptr<World>>> Open(WorldGround ground, KeptRecords kept);
    ~World();

    net::HttpHandler& aws();
    net::HttpHandler& console();
    net::StreamHandler& mqtt();
    apis::cloudformation::CloudformationApi& cloudformation();
    // For calls from inside, with all rights.
    api::CallContext RootContext();
    const std::optional<FirstLogin>& first_login() const;
    base::Result<net::TlsIdentity> IssueServerCertificate(base::Duration lifetime);

    env::Task<base::Result<KeptRecords>> Keep();
    // Ends MQTT connections, wherever they came in. First.
    env::Task<void> CloseBroker();
    // Makes everything durable, ends all tasks. No handler runs any more.
    env::Task<void> Close();

  private:
    struct Parts;
    explicit World(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

}  // namespace wellhead::server
