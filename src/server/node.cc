#include "server/node.h"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <thread>

#include "base/log.h"
#include "env/deadline.h"
#include "env/event.h"
#include "env/posix/posix.h"
#include "env/scope.h"
#include "env/turnstile.h"
#include "net/http_server.h"
#include "net/listener.h"
#include "server/free_port.h"
#include "server/switchable_handler.h"

namespace wellhead::server {

namespace {

using namespace std::chrono_literals;
using base::Result;
namespace asio = boost::asio;
namespace json = boost::json;

constexpr auto kStopGrace = 2s;
constexpr auto kServerCertificateLifetime = std::chrono::hours(24 * 397);
// Long before its end: a server runs for years.
constexpr auto kServerCertificateRenewal = std::chrono::hours(24 * 30);

// Ports given as 0 become free ones now: the services must know their addresses before they listen.
Result<void> ChoosePorts(UpOptions& options) {
    auto choose = [&options](uint16_t& port) -> Result<void> {
        if (port != 0) return {};
        ASSIGN_OR_RETURN(port, FreePort(options.listen));
        return {};
    };
    RETURN_IF_ERROR(choose(options.port));
    RETURN_IF_ERROR(choose(options.mqtt_port));
    RETURN_IF_ERROR(choose(options.console_port));
    if (options.plain_mqtt_port) RETURN_IF_ERROR(choose(*options.plain_mqtt_port));
    return {};
}

// What helps whoever started it, beside what happened.
Result<void> Hinted(Result<void> result, std::string_view hint) {
    if (!result && result.error().code == base::ErrorCode::kUnavailable) result.error().message += hint;
    return result;
}

// Everything below path, which stays.
Result<void> Empty(env::Files& files, const std::string& path) {
    ASSIGN_OR_RETURN(auto entries, files.List(path));
    for (const auto& entry : entries) {
        std::string below = path + "/" + entry.name;
        if (entry.kind == env::FileKind::kDirectory) RETURN_IF_ERROR(Empty(files, below));
        RETURN_IF_ERROR(files.Remove(below));
    }
    return {};
}

}  // namespace

// In order of construction: what stands lower may use what stands above it.
struct Node::Parts {
    Parts(UpOptions up, env::Executor executor)
        : options(std::move(up)),
          home(executor),
          io(options.threads > 0 ? options.threads
                                 : static_cast<int>(std::max(1u, std::thread::hardware_concurrency()))),
          aws(executor) {}

    UpOptions options;
    const env::Executor home;
    Endpoints endpoints;
    RootKey root_key;

    std::unique_ptr<env::Clock> clock = env::posix::MakeClock();
    std::unique_ptr<env::Random> random = env::posix::MakeRandom();
    std::unique_ptr<env::Files> files = env::posix::MakeFiles();
    std::unique_ptr<DataDir> data;
    std::unique_ptr<api::CredentialStore> credentials;
    env::posix::IoThreads io;

    std::unique_ptr<World> world;
    SwitchableHandler aws;
    env::Turnstile resets;  // with Stop and the renewal of certificates
    bool stopped = false;

    std::shared_ptr<const net::TlsContext> aws_tls;
    std::shared_ptr<const net::TlsContext> mqtt_tls;
    std::unique_ptr<net::HttpHandler> reset_handler;
    std::unique_ptr<net::HttpServer> aws_server;
    std::unique_ptr<net::HttpServer> console_server;
    std::unique_ptr<net::StreamListener> mqtt_listener;
    std::unique_ptr<net::StreamListener> plain_mqtt_listener;
    env::Scope background;

    Result<void> OpenData();
    env::Task<Result<void>> OpenWorld(KeptRecords kept);
    Result<void> MakeTls();
    env::Task<void> RenewTls();
    Result<void> ListenAws();
    Result<void> ListenBeside();
    env::Task<void> StopBeside();
    void Describe();
    std::string Summary() const;
    env::Task<Result<void>> Reset();
    Result<void> EmptyData();
};

namespace {

// A reset goes on when whoever asked for it goes away: it runs at home, and the asker waits for its end.
struct ResetWait {
    explicit ResetWait(env::Executor executor) : done(std::move(executor)) {}
    env::Event done;
    Result<void> result;
};

net::HttpResponse JsonResponse(int status, std::string body) {
    net::HttpResponse response;
    response.status = status;
    response.headers.Add("content-type", "application/json");
    response.body = std::move(body);
    return response;
}

std::string Message(std::string_view text) { return json::serialize(json::object{{"message", text}}); }

}  // namespace

// Before the gateway, when resets are allowed.
class ResetHandler final : public net::HttpHandler {
  public:
    using Start = std::function<void(std::shared_ptr<ResetWait>, env::Executor)>;
    ResetHandler(net::HttpHandler& otherwise, Start start, std::function<std::string()> summary)
        : otherwise_(otherwise), start_(std::move(start)), summary_(std::move(summary)) {}

    env::Task<net::HttpResponse> Handle(net::HttpRequest& request) override {
        if (request.path() != "/_wellhead/reset") return otherwise_.Handle(request);
        return Reset(request);
    }

  private:
    env::Task<net::HttpResponse> Reset(net::HttpRequest& request) {
        if (request.method != "POST") {
            co_return JsonResponse(405, Message("A reset is asked for with POST."));
        }
        // A page of some other site can make a browser post here.
        if (request.headers.Find("origin")) co_return JsonResponse(403, Message("A reset is not for browsers."));
        env::Executor executor = co_await asio::this_coro::executor;
        auto wait = std::make_shared<ResetWait>(executor);
        start_(wait, executor);
        co_await wait->done.Wait();
        if (!wait->result) co_return JsonResponse(500, Message(wait->result.error().message));
        co_return JsonResponse(200, summary_());
    }

    net::HttpHandler& otherwise_;
    const Start start_;
    const std::function<std::string()> summary_;
};

namespace {

env::Task<void> RunReset(env::Task<Result<void>> reset, std::shared_ptr<ResetWait> wait, env::Executor asker) {
    Result<void> result = co_await std::move(reset);
    if (!result) base::LogError("server", "the reset failed: {}", result.error().message);
    asio::post(asker, [wait, result = std::move(result)] {
        wait->result = result;
        wait->done.Set();
    });
}

}  // namespace

Result<void> Node::Parts::OpenData() {
    RETURN_IF_ERROR(ChoosePorts(options));
    ASSIGN_OR_RETURN(data, DataDir::Open(*files, options.data_dir));
    ASSIGN_OR_RETURN(root_key, data->LoadRootKey(*random));
    credentials = api::MakeRootCredentials(root_key.access_key_id, root_key.secret_access_key, options.account_id);
    return {};
}

env::Task<Result<void>> Node::Parts::OpenWorld(KeptRecords kept) {
    WorldGround ground{options, *clock, *random, *files, *data, root_key, *credentials, io};
    auto opened = co_await World::Open(ground, std::move(kept));
    if (!opened) co_return std::unexpected(opened.error());
    world = std::move(*opened);
    co_return Result<void>();
}

Result<void> Node::Parts::MakeTls() {
    ASSIGN_OR_RETURN(net::TlsIdentity identity, world->IssueServerCertificate(kServerCertificateLifetime));
    ASSIGN_OR_RETURN(aws_tls, net::TlsContext::MakeServer({.identity = identity, .alpn = {"h2", "http/1.1"}}));
    ASSIGN_OR_RETURN(mqtt_tls, net::TlsContext::MakeServer({.identity = identity,
                                                            .client_certificate = net::ClientCertificate::kRequired,
                                                            .alpn = {"x-amzn-mqtt-ca", "mqtt"}}));
    return {};
}

env::Task<void> Node::Parts::RenewTls() {
    for (;;) {
        co_await env::Sleep(kServerCertificateLifetime - kServerCertificateRenewal);
        auto pass = co_await resets.Enter();
        if (stopped || !world) co_return;
        if (auto made = MakeTls(); !made) {
            base::LogError("server", "the server certificate was not renewed: {}", made.error().message);
            continue;
        }
        aws_server->SetTls(aws_tls);
        mqtt_listener->SetTls(mqtt_tls);
        base::LogInfo("server", "the server certificate was renewed");
    }
}

Result<void> Node::Parts::ListenAws() {
    net::HttpHandler* handler = &world->aws();
    if (options.allow_reset) {
        aws.Open(world->aws());
        reset_handler = std::make_unique<ResetHandler>(
            aws,
            [this](std::shared_ptr<ResetWait> wait, env::Executor asker) {
                env::Spawn(background, home, "reset", RunReset(Reset(), std::move(wait), std::move(asker)));
            },
            [this] { return Summary(); });
        handler = reset_handler.get();
    }
    ASSIGN_OR_RETURN(aws_server,
                     net::HttpServer::Start(io.executors(),
                                            {.name = "aws",
                                             .address = options.listen,
                                             .port = options.port,
                                             .security = net::ListenerOptions::Security::kByFirstByte,
                                             .tls = aws_tls},
                                            {}, *handler, *clock));
    return {};
}

Result<void> Node::Parts::ListenBeside() {
    ASSIGN_OR_RETURN(mqtt_listener,
                     net::StreamListener::Start(io.executors(),
                                                {.name = "mqtt",
                                                 .address = options.listen,
                                                 .port = options.mqtt_port,
                                                 .security = net::ListenerOptions::Security::kTls,
                                                 .tls = mqtt_tls},
                                                world->mqtt()));
    if (options.plain_mqtt_port) {
        ASSIGN_OR_RETURN(plain_mqtt_listener,
                         net::StreamListener::Start(io.executors(),
                                                    {.name = "plain mqtt",
                                                     .address = "127.0.0.1",
                                                     .port = *options.plain_mqtt_port,
                                                     .security = net::ListenerOptions::Security::kPlain,
                                                     .tls = {}},
                                                    world->mqtt()));
    }
    ASSIGN_OR_RETURN(console_server,
                     net::HttpServer::Start(io.executors(),
                                            {.name = "console",
                                             .address = options.listen,
                                             .port = options.console_port,
                                             .security = net::ListenerOptions::Security::kPlain,
                                             .tls = {}},
                                            {}, world->console(), *clock));
    return {};
}

env::Task<void> Node::Parts::StopBeside() {
    if (mqtt_listener) mqtt_listener->StopAccepting();
    if (plain_mqtt_listener) plain_mqtt_listener->StopAccepting();
    if (console_server) co_await console_server->Stop(kStopGrace);
    if (world) co_await world->CloseBroker();
    if (mqtt_listener) co_await mqtt_listener->Stop(kStopGrace);
    if (plain_mqtt_listener) co_await plain_mqtt_listener->Stop(kStopGrace);
}

void Node::Parts::Describe() {
    endpoints.pid = ::getpid();
    endpoints.host = options.Host();
    endpoints.port = aws_server->port();
    endpoints.mqtt_port = mqtt_listener->port();
    endpoints.plain_mqtt_port = plain_mqtt_listener ? plain_mqtt_listener->port() : uint16_t{0};
    endpoints.console_port = console_server->port();
    endpoints.account_id = options.account_id;
    endpoints.region = options.region;
    endpoints.ca_file = data->Sub("ca.pem");
}

std::string Node::Parts::Summary() const {
    json::object line = json::parse(endpoints.ToJson()).as_object();
    line["ready"] = true;
    if (world && world->first_login()) {
        line["first_login"] =
            json::object{{"username", world->first_login()->username}, {"password", world->first_login()->password}};
    }
    return json::serialize(line);
}

// --- reset

// What belongs to the directory itself stays.
Result<void> Node::Parts::EmptyData() {
    ASSIGN_OR_RETURN(auto entries, files->List(data->path()));
    for (const auto& entry : entries) {
        if (entry.name == "lock" || entry.name == "root_key.json" || entry.name == "endpoints.json") continue;
        std::string path = data->Sub(entry.name);
        if (entry.kind == env::FileKind::kDirectory) RETURN_IF_ERROR(Empty(*files, path));
        RETURN_IF_ERROR(files->Remove(path));
    }
    return files->SyncDirectory(data->path());
}

env::Task<Result<void>> Node::Parts::Reset() {
    auto pass = co_await resets.Enter();
    if (stopped || !world) {
        co_return base::Fail(base::ErrorCode::kUnavailable, "Wellhead stops, or an earlier reset failed");
    }
    base::LogInfo("server", "reset: everything is emptied");
    co_await aws.Close();
    co_await StopBeside();
    console_server.reset();
    mqtt_listener.reset();
    plain_mqtt_listener.reset();
    CO_ASSIGN_OR_RETURN(KeptRecords kept, co_await world->Keep());
    co_await world->Close();
    world.reset();
    CO_RETURN_IF_ERROR(EmptyData());
    CO_RETURN_IF_ERROR(co_await OpenWorld(std::move(kept)));
    CO_RETURN_IF_ERROR(ListenBeside());
    aws.Open(world->aws());
    co_return Result<void>();
}

// --- start and stop

env::Task<Result<std::unique_ptr<Node>>> Node::Start(UpOptions options) {
    env::Executor home = co_await asio::this_coro::executor;
    std::unique_ptr<Node> node(new Node(std::make_unique<Parts>(std::move(options), home)));
    Parts& parts = *node->parts_;
    Result<void> step = parts.OpenData();
    KeptRecords nothing;
    if (step) step = co_await parts.OpenWorld(std::move(nothing));
    if (step) step = parts.MakeTls();
    constexpr std::string_view kOtherPorts =
        " (--port, --mqtt-port and --console-port choose others; 0 is any free one)";
    if (step) step = Hinted(parts.ListenBeside(), kOtherPorts);
    if (step) step = Hinted(parts.ListenAws(), kOtherPorts);
    if (step) {
        parts.Describe();
        step = parts.data->WriteEndpoints(parts.endpoints);
    }
    if (!step) {
        co_await node->Stop();
        co_return std::unexpected(step.error());
    }
    env::Spawn(parts.background, home, "server certificate", parts.RenewTls());
    co_return std::move(node);
}

Node::Node(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Node::~Node() = default;
const Endpoints& Node::endpoints() const { return parts_->endpoints; }
const std::optional<FirstLogin>& Node::first_login() const { return parts_->world->first_login(); }
std::string Node::Summary() const { return parts_->Summary(); }
apis::cloudformation::CloudformationApi& Node::cloudformation() { return parts_->world->cloudformation(); }
api::CallContext Node::RootContext() { return parts_->world->RootContext(); }

env::Task<void> Node::Stop() {
    Parts& parts = *parts_;
    {
        // A reset under way ends first: it must not open what is closed here.
        auto pass = co_await parts.resets.Enter();
        parts.stopped = true;
        if (parts.aws_server) co_await parts.aws_server->Stop(kStopGrace);
        co_await parts.StopBeside();
        if (parts.world) co_await parts.world->Close();
    }
    co_await parts.background.Close();
}

}  // namespace wellhead::server
