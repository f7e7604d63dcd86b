#include "server/node.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <thread>
#include <vector>

#include "api/credentials.h"
#include "apis/athena/service.h"
#include "apis/cognito_idp/service.h"
#include "apis/firehose/service.h"
#include "apis/glue/service.h"
#include "apis/iot/service.h"
#include "apis/iot_data/service.h"
#include "apis/kinesis/service.h"
#include "apis/s3/service.h"
#include "base/log.h"
#include "env/blocking_pool.h"
#include "env/posix/io_threads.h"
#include "env/posix/posix.h"
#include "env/scope.h"
#include "gateway/gateway.h"
#include "mqtt/broker.h"
#include "net/http_server.h"
#include "net/listener.h"
#include "net/tls.h"
#include "pipeline/resources/resources.h"
#include "query/duckdb/duckdb_parquet_writer.h"
#include "query/duckdb/worker_engine.h"
#include "query/object_files.h"
#include "server/free_port.h"
#include "server/mqtt_web_socket.h"
#include "server/service_caller.h"
#include "server/table_stack_store.h"
#include "services/athena/athena_service.h"
#include "services/cognito/cognito.h"
#include "services/console/console.h"
#include "services/firehose/firehose_service.h"
#include "services/glue/glue_service.h"
#include "services/iot/iot_service.h"
#include "services/iot_gateway/gateway.h"
#include "services/kinesis/kinesis_service.h"
#include "services/s3/s3_service.h"
#include "storage/object_store/file/file_object_store.h"
#include "storage/shard_log/file/shard_log_store.h"
#include "storage/table/sqlite/sqlite_table.h"

namespace wellhead::server {

namespace {

using namespace std::chrono_literals;
using base::Result;

constexpr auto kStopGrace = 2s;
constexpr auto kServerCertificateLifetime = std::chrono::hours(24 * 397);

class HealthHandler final : public net::HttpHandler {
  public:
    env::Task<net::HttpResponse> Handle(net::HttpRequest&) override {
        net::HttpResponse response;
        response.headers.Add("content-type", "application/json");
        response.body = std::string(R"({"status":"ok","version":")" WELLHEAD_VERSION R"("})");
        co_return response;
    }
};

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

}  // namespace

// In order of construction: what stands lower may use what stands above it.
struct Node::Parts {
    explicit Parts(UpOptions up)
        : options(std::move(up)),
          io(options.threads > 0 ? options.threads
                                 : static_cast<int>(std::max(1u, std::thread::hardware_concurrency()))) {}

    UpOptions options;
    Endpoints endpoints;
    std::optional<FirstLogin> first_login;

    std::unique_ptr<env::Clock> clock = env::posix::MakeClock();
    std::unique_ptr<env::Random> random = env::posix::MakeRandom();
    std::unique_ptr<env::Files> files = env::posix::MakeFiles();
    std::unique_ptr<DataDir> data;
    std::unique_ptr<api::CredentialStore> credentials;

    env::BlockingPool readers{"read", 2};
    env::BlockingPool log_writers{"log-write", 4};  // may hand on to the readers
    env::BlockingPool object_pool{"objects", 8};
    env::BlockingPool keys_pool{"keys", 2};
    env::BlockingPool sql_pool{"sql", 4};
    env::BlockingPool delivery_pool{"delivery", 2};
    std::unique_ptr<storage::Table> table;
    std::unique_ptr<storage::file::FileShardLogStore> logs;
    std::unique_ptr<storage::file::FileObjectStore> objects;

    env::posix::IoThreads io;
    env::Scope background;

    std::unique_ptr<services::s3::S3Service> s3;
    std::unique_ptr<services::kinesis::KinesisService> kinesis;
    std::unique_ptr<query::ObjectFiles> object_files;
    std::unique_ptr<query::duckdb::WorkerEngine> sql_engine;
    query::duckdb::DuckDbParquetWriter parquet;
    std::unique_ptr<services::glue::GlueService> glue;
    std::unique_ptr<services::firehose::FirehoseService> firehose;
    std::unique_ptr<services::athena::AthenaService> athena;
    std::unique_ptr<services::cognito::Cognito> cognito;
    std::unique_ptr<services::iot::IotService> iot;
    std::unique_ptr<mqtt::Broker> broker;
    std::unique_ptr<services::console::Console> console;

    // The generated APIs as the gateway and the templates call them.
    std::vector<std::unique_ptr<api::Service>> services;
    ServiceCaller caller{services};
    pipeline::ResourceProviders providers = pipeline::MakeResourceProviders(caller);
    std::unique_ptr<TableStackStore> stacks;
    std::unique_ptr<pipeline::Deployer> deployer;

    HealthHandler health;
    std::unique_ptr<net::HttpHandler> metrics = gateway::MakeMetricsHandler();
    std::unique_ptr<services::iot_gateway::Gateway> mqtt_tls;
    std::unique_ptr<MqttWebSocketHandler> mqtt_web_socket;
    std::unique_ptr<gateway::Gateway> gateway;
    std::shared_ptr<const net::TlsContext> aws_tls;
    std::shared_ptr<const net::TlsContext> mqtt_context;
    std::unique_ptr<net::HttpServer> aws_server;
    std::unique_ptr<net::HttpServer> console_server;
    std::unique_ptr<net::StreamListener> mqtt_listener;
    std::unique_ptr<net::StreamListener> plain_mqtt_listener;

    Result<void> OpenData();
    env::Task<Result<void>> OpenStorage();
    env::Task<void> CollectOrphans();
    env::Task<Result<void>> OpenServices();
    env::Task<Result<void>> OpenIot();
    env::Task<Result<void>> OpenLake();
    env::Task<Result<void>> OpenBroker();
    env::Task<Result<void>> OpenConsole();
    Result<void> MakeTls();
    void MakeGateway();
    Result<void> Listen();
    void Describe();
    api::CallContext RootContext();
};

Result<void> Node::Parts::OpenData() {
    RETURN_IF_ERROR(ChoosePorts(options));
    ASSIGN_OR_RETURN(data, DataDir::Open(*files, options.data_dir));
    ASSIGN_OR_RETURN(RootKey key, data->LoadRootKey(*random));
    credentials = api::MakeRootCredentials(key.access_key_id, key.secret_access_key, options.account_id);
    return {};
}

env::Task<Result<void>> Node::Parts::OpenStorage() {
    CO_ASSIGN_OR_RETURN(table, storage::sqlite::OpenTable(*files, {.path = data->Sub("metadata.sqlite")}));
    logs = std::make_unique<storage::file::FileShardLogStore>(
        *files, *clock, *random, log_writers, readers,
        storage::file::ShardLogStoreSettings{.root = data->Sub("logs"), .segment_sizes = {}});
    storage::file::ObjectStoreDeps deps{*files, *clock, *table, object_pool};
    std::string directory = data->Sub("objects");
    auto opened = co_await storage::file::OpenObjectStore(deps, std::move(directory));
    if (!opened) co_return std::unexpected(opened.error());
    objects = std::move(*opened);
    env::Spawn(background, io.executor(0), "orphans of the object store", CollectOrphans());
    env::Spawn(background, io.executor(0), "log checkpoints", logs->KeepCheckpoints());
    env::Spawn(background, io.executor(0), "settling of small objects", objects->KeepSettling());
    co_return Result<void>();
}

env::Task<void> Node::Parts::CollectOrphans() {
    auto collected = co_await objects->CollectOrphans();
    if (!collected) base::LogError("objects", "leftovers stay: {}", collected.error().message);
}

env::Task<Result<void>> Node::Parts::OpenServices() {
    // Arguments are named first: g++ 12 loses aggregate temporaries in an awaited call.
    services::s3::S3Deps s3_deps{*clock, *random, *table, *objects, object_pool};
    services::s3::S3Settings s3_settings{options.account_id, options.region};
    auto opened_s3 = co_await services::s3::S3Service::Open(s3_deps, std::move(s3_settings));
    if (!opened_s3) co_return std::unexpected(opened_s3.error());
    s3 = std::move(*opened_s3);
    env::Spawn(background, io.executor(0), "parts of dead uploads", s3->CollectAbandonedParts());

    cognito = services::cognito::Cognito::Open(
        {*table, *clock, *random, keys_pool},
        {.region = options.region,
         .account_id = options.account_id,
         .issuer_base = fmt::format("http://{}:{}", options.listen, options.port)});

    services::kinesis::KinesisDependencies kinesis_deps{*clock, *random, *table, *logs};
    services::kinesis::KinesisSettings kinesis_settings;
    kinesis_settings.account_id = options.account_id;
    kinesis_settings.region = options.region;
    auto opened_kinesis =
        co_await services::kinesis::KinesisService::Open(kinesis_deps, std::move(kinesis_settings));
    if (!opened_kinesis) co_return std::unexpected(opened_kinesis.error());
    kinesis = std::move(*opened_kinesis);
    co_return Result<void>();
}

// Catalog and delivery.
env::Task<Result<void>> Node::Parts::OpenLake() {
    object_files = query::MakeStoreFiles(*objects);
    query::duckdb::WorkerSettings workers;
    workers.command = {"/proc/self/exe", "sql-worker"};
    workers.limits.spill_directory = data->Sub("sql-spill");
    sql_engine = std::make_unique<query::duckdb::WorkerEngine>(sql_pool, std::move(workers));

    services::glue::GlueDependencies glue_deps{*clock,        *random,     *table,        *s3,
                                               *object_files, *sql_engine, io.executor(0)};
    services::glue::GlueSettings glue_settings{options.account_id, options.region};
    auto opened_glue = co_await services::glue::GlueService::Open(glue_deps, std::move(glue_settings));
    if (!opened_glue) co_return std::unexpected(opened_glue.error());
    glue = std::move(*opened_glue);

    services::firehose::FirehoseDependencies firehose_deps{*clock,  *random,  *files, delivery_pool, *table, *logs,
                                                           parquet, *kinesis, *s3,    *glue,         io.executor(0)};
    services::firehose::FirehoseSettings firehose_settings;
    firehose_settings.account_id = options.account_id;
    firehose_settings.region = options.region;
    firehose_settings.work_directory = data->Sub("delivery");
    auto opened_firehose =
        co_await services::firehose::FirehoseService::Open(firehose_deps, std::move(firehose_settings));
    if (!opened_firehose) co_return std::unexpected(opened_firehose.error());
    firehose = std::move(*opened_firehose);

    services::athena::AthenaDependencies athena_deps{*clock, *random,       *files,      delivery_pool,  *table, *glue,
                                                     *s3,    *object_files, *sql_engine, io.executor(0)};
    services::athena::AthenaSettings athena_settings{options.account_id, options.region, data->Sub("athena")};
    auto opened_athena = co_await services::athena::AthenaService::Open(athena_deps, std::move(athena_settings));
    if (!opened_athena) co_return std::unexpected(opened_athena.error());
    athena = std::move(*opened_athena);
    co_return Result<void>();
}

env::Task<Result<void>> Node::Parts::OpenIot() {
    services::iot::IotSettings settings;
    settings.region = options.region;
    settings.account_id = options.account_id;
    settings.endpoint = fmt::format("{}:{}", options.listen == "127.0.0.1" ? "localhost" : options.listen,
                                    options.mqtt_port);
    settings.trust_plain = options.plain_mqtt_port.has_value();
    services::iot::IotPeers peers;
    peers.kinesis = kinesis.get();
    peers.firehose = firehose.get();
    peers.s3 = s3.get();
    auto opened_iot = co_await services::iot::IotService::Start(*table, *clock, *random, *files, keys_pool,
                                                                std::move(settings), peers);
    if (!opened_iot) co_return std::unexpected(opened_iot.error());
    iot = std::move(*opened_iot);
    co_return env::ReplaceFileDurably(*files, data->Sub("ca.pem"), iot->ca_certificate_pem());
}

env::Task<Result<void>> Node::Parts::OpenBroker() {
    broker = std::make_unique<mqtt::Broker>(mqtt::BrokerSettings{}, io.executors(), *clock, *random,
                                            iot->authorizer(), &iot->sink());
    auto opened = co_await broker->Open(*logs);
    if (!opened) co_return opened;
    broker->Start();
    iot->SetBroker(broker.get());
    mqtt::Profile profile =
        options.mqtt_profile == "aws" ? mqtt::Profile::Aws() : mqtt::Profile::Standard();
    mqtt_tls = std::make_unique<services::iot_gateway::Gateway>(*broker, profile);
    mqtt_web_socket = std::make_unique<MqttWebSocketHandler>(*mqtt_tls);
    co_return Result<void>();
}

env::Task<Result<void>> Node::Parts::OpenConsole() {
    services::console::Apis apis;
    apis.cognito = &cognito->api();
    apis.login = &cognito->login();
    apis.iot = &iot->control();
    apis.iot_data = &iot->data();
    apis.kinesis = kinesis.get();
    apis.firehose = firehose.get();
    apis.glue = glue.get();
    apis.athena = athena.get();
    apis.s3 = s3.get();
    services::console::Settings settings;
    settings.region = options.region;
    settings.account_id = options.account_id;
    settings.version = WELLHEAD_VERSION;
    settings.aws_endpoint = fmt::format("http://{}:{}", options.listen, options.port);
    settings.mqtt_endpoint = fmt::format("mqtts://{}:{}", options.listen, options.mqtt_port);
    services::console::Dependencies deps{*table, *clock, *random, background, io.executor(0)};
    auto opened = co_await services::console::Console::Open(apis, deps, std::move(settings),
                                                            services::console::BuiltPage());
    if (!opened) co_return std::unexpected(opened.error());
    console = std::move(*opened);
    if (console->first_login()) {
        first_login = FirstLogin{console->first_login()->username, console->first_login()->password};
    }
    std::vector<std::string> origins = {fmt::format("http://127.0.0.1:{}", options.console_port),
                                        fmt::format("http://localhost:{}", options.console_port)};
    if (options.listen != "127.0.0.1") {
        origins.push_back(fmt::format("http://{}:{}", options.listen, options.console_port));
    }
    co_return co_await console->SetOrigins(std::move(origins));
}

Result<void> Node::Parts::MakeTls() {
    char host[256] = "localhost";
    ::gethostname(host, sizeof host - 1);
    ASSIGN_OR_RETURN(auto issued,
                     iot->IssueServerCertificate({"localhost", "127.0.0.1", "::1", host, options.listen,
                                                  fmt::format("*.iot.{}.amazonaws.com", options.region)},
                                                 kServerCertificateLifetime));
    net::TlsIdentity identity{issued.certificate_pem, issued.private_key_pem};
    ASSIGN_OR_RETURN(aws_tls, net::TlsContext::MakeServer({.identity = identity, .alpn = {"h2", "http/1.1"}}));
    ASSIGN_OR_RETURN(mqtt_context,
                     net::TlsContext::MakeServer({.identity = identity,
                                                  .client_certificate = net::ClientCertificate::kRequired,
                                                  .alpn = {"x-amzn-mqtt-ca", "mqtt"}}));
    return {};
}

void Node::Parts::MakeGateway() {
    gateway = std::make_unique<gateway::Gateway>(
        gateway::GatewayOptions{.account_id = options.account_id, .region = options.region, .endpoint_host = {}},
        *credentials, *clock, *random);
    services.push_back(apis::iot::MakeService(iot->control()));
    services.push_back(apis::iot_data::MakeService(iot->data()));
    services.push_back(apis::cognito_idp::MakeService(cognito->api()));
    services.push_back(apis::kinesis::MakeService(*kinesis));
    services.push_back(apis::firehose::MakeService(*firehose));
    services.push_back(apis::glue::MakeService(*glue));
    services.push_back(apis::athena::MakeService(*athena));
    services.push_back(apis::s3::MakeService(*s3));
    for (auto& service : services) gateway->AddService(*service);
    gateway->AddRoute({"health", gateway::PathPrefix("/health"), &health, {}});
    gateway->AddRoute({"metrics", gateway::PathPrefix("/metrics"), metrics.get(), {}});
    gateway->AddRoute({"mqtt", gateway::PathPrefix("/mqtt"), mqtt_web_socket.get(), "iotdevicegateway"});
    gateway->AddRoute({"login", [this](const net::HttpRequest& request) { return cognito->Owns(request); },
                       &cognito->login(), {}});
    stacks = std::make_unique<TableStackStore>(*table);
    deployer = std::make_unique<pipeline::Deployer>(providers, *stacks, *clock, *random);
}

Result<void> Node::Parts::Listen() {
    ASSIGN_OR_RETURN(mqtt_listener,
                     net::StreamListener::Start(io.executors(),
                                                {.name = "mqtt",
                                                 .address = options.listen,
                                                 .port = options.mqtt_port,
                                                 .security = net::ListenerOptions::Security::kTls,
                                                 .tls = mqtt_context},
                                                *mqtt_tls));
    if (options.plain_mqtt_port) {
        ASSIGN_OR_RETURN(plain_mqtt_listener,
                         net::StreamListener::Start(io.executors(),
                                                    {.name = "plain mqtt",
                                                     .address = "127.0.0.1",
                                                     .port = *options.plain_mqtt_port,
                                                     .security = net::ListenerOptions::Security::kPlain,
                                                     .tls = {}},
                                                    *mqtt_tls));
    }
    ASSIGN_OR_RETURN(aws_server,
                     net::HttpServer::Start(io.executors(),
                                            {.name = "aws",
                                             .address = options.listen,
                                             .port = options.port,
                                             .security = net::ListenerOptions::Security::kByFirstByte,
                                             .tls = aws_tls},
                                            {}, *gateway, *clock));
    ASSIGN_OR_RETURN(console_server,
                     net::HttpServer::Start(io.executors(),
                                            {.name = "console",
                                             .address = options.listen,
                                             .port = options.console_port,
                                             .security = net::ListenerOptions::Security::kPlain,
                                             .tls = {}},
                                            {}, console->handler(), *clock));
    return {};
}

void Node::Parts::Describe() {
    endpoints.pid = ::getpid();
    endpoints.host = options.listen;
    endpoints.port = aws_server->port();
    endpoints.mqtt_port = mqtt_listener->port();
    endpoints.plain_mqtt_port = plain_mqtt_listener ? plain_mqtt_listener->port() : uint16_t{0};
    endpoints.console_port = console_server->port();
    endpoints.account_id = options.account_id;
    endpoints.region = options.region;
}

api::CallContext Node::Parts::RootContext() {
    api::CallContext context;
    context.request_id = env::RandomUuid(*random);
    context.account_id = options.account_id;
    context.region = options.region;
    context.caller = {.account_id = options.account_id,
                      .arn = fmt::format("arn:aws:iam::{}:root", options.account_id),
                      .access_key_id = {},
                      .authenticated = true,
                      .root = true};
    return context;
}

env::Task<Result<std::unique_ptr<Node>>> Node::Start(UpOptions options) {
    std::unique_ptr<Node> node(new Node(std::make_unique<Parts>(std::move(options))));
    Parts& parts = *node->parts_;
    Result<void> step = parts.OpenData();
    if (step) step = co_await parts.OpenStorage();
    if (step) step = co_await parts.OpenServices();
    if (step) step = co_await parts.OpenLake();
    if (step) step = co_await parts.OpenIot();
    if (step) step = co_await parts.OpenBroker();
    if (step) step = co_await parts.OpenConsole();
    if (step) step = parts.MakeTls();
    if (step) {
        parts.MakeGateway();
        step = parts.Listen();
    }
    if (step) {
        parts.Describe();
        step = parts.data->WriteEndpoints(parts.endpoints);
    }
    if (!step) {
        co_await node->Stop();
        co_return std::unexpected(step.error());
    }
    co_return std::move(node);
}

Node::Node(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Node::~Node() = default;
const Endpoints& Node::endpoints() const { return parts_->endpoints; }
const FirstLogin* Node::first_login() const { return parts_->first_login ? &*parts_->first_login : nullptr; }

env::Task<api::Outcome<void>> Node::Deploy(std::string stack_name, std::string template_text,
                                           std::map<std::string, std::string> parameters,
                                           pipeline::StackProgress progress) {
    auto known = co_await parts_->stacks->LoadAll();
    if (!known) {
        co_return std::unexpected(api::ServiceError{
            .code = "InternalFailure", .message = known.error().message, .http_status = 500, .members = {}});
    }
    pipeline::Stack stack;
    for (auto& candidate : *known) {
        if (candidate.name == stack_name) stack = std::move(candidate);
    }
    api::CallContext context = parts_->RootContext();
    if (stack.name.empty()) {
        stack.name = stack_name;
        stack.created = parts_->clock->Now();
        stack.id = fmt::format("arn:aws:cloudformation:{}:{}:stack/{}/{}", context.region, context.account_id,
                               stack_name, env::RandomUuid(*parts_->random));
    }
    pipeline::Deployer::Wanted wanted{std::move(template_text), std::move(parameters)};
    co_return co_await parts_->deployer->Deploy(std::move(context), stack, std::move(wanted), std::move(progress));
}

env::Task<void> Node::Stop() {
    Parts& parts = *parts_;
    if (parts.mqtt_listener) parts.mqtt_listener->StopAccepting();
    if (parts.plain_mqtt_listener) parts.plain_mqtt_listener->StopAccepting();
    if (parts.console_server) co_await parts.console_server->Stop(kStopGrace);
    if (parts.aws_server) co_await parts.aws_server->Stop(kStopGrace);
    if (parts.iot) parts.iot->SetBroker(nullptr);
    if (parts.broker) co_await parts.broker->Close();
    if (parts.mqtt_listener) co_await parts.mqtt_listener->Stop(kStopGrace);
    if (parts.plain_mqtt_listener) co_await parts.plain_mqtt_listener->Stop(kStopGrace);
    if (parts.athena) co_await parts.athena->Close();
    if (parts.firehose) co_await parts.firehose->Close();
    if (parts.glue) co_await parts.glue->Close();
    if (parts.kinesis) co_await parts.kinesis->Close();
    co_await parts.background.Close();
    if (parts.s3) co_await parts.s3->Close();
}

}  // namespace wellhead::server
