#pragma once
// RunningServer: the generated APIs of a Wellhead that runs with some data directory, for the commands beside `up`.

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>

#include "api/wire.h"
#include "env/clock.h"
#include "env/files.h"
#include "env/task.h"
#include "net/http_client.h"
#include "server/data_dir.h"

namespace wellhead::server {

class RunningServer {
  public:
    // kNotFound: none was started with this data directory.
    static base::Result<std::unique_ptr<RunningServer>> Find(const std::string& data_dir);

    const Endpoints& endpoints() const { return endpoints_; }
    const RootKey& root_key() const { return root_key_; }
    api::Transport& transport() { return *transport_; }
    env::Clock& clock() { return *clock_; }
    env::Files& files() { return *files_; }
    net::HttpClient& http() { return client_; }
    net::HttpEndpoint http_endpoint() const;
    // Which the APIs of a client need, too.
    api::CallContext Context() const;

    // Runs the command on this thread; its value is the exit status. SIGINT and SIGTERM cancel it, and then what is to
    // be done about it is done.
    int Run(env::Task<int> command, std::function<env::Task<void>()> when_cancelled = {});

  private:
    RunningServer(Endpoints endpoints, RootKey root_key);
    env::Task<void> Guard(env::Task<int> command, std::function<env::Task<void>()> when_cancelled, int& status);

    const Endpoints endpoints_;
    const RootKey root_key_;
    const std::unique_ptr<env::Clock> clock_;
    const std::unique_ptr<env::Files> files_;
    boost::asio::io_context io_{1};
    net::HttpClient client_;
    const std::unique_ptr<api::Transport> transport_;
};

}  // namespace wellhead::server
