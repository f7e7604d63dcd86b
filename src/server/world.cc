#include "server/world.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "api/credentials.h"
#include "apis/athena/service.h"
#include "apis/cloudformation/service.h"
#include "apis/cognito_idp/service.h"
#include "apis/firehose/service.h"
#include "apis/glue/service.h"
#include "apis/iot/service.h"
#include "apis/iot_data/service.h"
#include "apis/kinesis/service.h"
#include "apis/s3/service.h"
#include "apis/sts/service.h"
#include "base/log.h"
#include "env/blocking_pool.h"
#include "env/posix/io_threads.h"
#include "env/scope.h"
#include "gateway/gateway.h"
#include "mqtt/broker.h"
#include "net/tls.h"
#include "pipeline/resources/resources.h"
#include "query/duckdb/duckdb_parquet_writer.h"
#include "query/duckdb/worker_engine.h"
#include "query/object_files.h"
#include "server/mqtt_web_socket.h"
#include "server/object_event_targets.h"
#include "server/service_caller.h"
#include "services/athena/athena_service.h"
#include "services/cloudformation/cloudformation_service.h"
#include "services/cognito/cognito.h"
#include "services/console/console.h"
#include "services/firehose/firehose_service.h"
#include "services/glue/glue_service.h"
#include "services/iot/iot_service.h"
#include "services/iot/time_zones.h"
#include "services/iot_gateway/gateway.h"
#include "services/kinesis/kinesis_service.h"
#include "services/s3/s3_endpoint.h"
#include "services/s3/s3_service.h"
#include "services/sts/sts_service.h"
#include "storage/object_store/file/file_object_store.h"
#include "storage/shard_log/file/shard_log_store.h"
#include "storage/table/sqlite/sqlite_table.h"

namespace wellhead::server {

namespace {

using namespace std::chrono_literals;
using base::Result;

class HealthHandler final : public net::HttpHandler {
  public:
    env::Task<net::HttpResponse> Handle(net::HttpRequest&) override {
        net::HttpResponse response;
        response.headers.Add("content-type", "application/json");
        response.body = std::string(R"({"status":"ok","version":")" WELLHEAD_VERSION R"("})");
        co_return response;
    }
};

// Resetting is for test suites, and asked for.
class ResetOffHandler final : public net::HttpHandler {
  public:
    env::Task<net::HttpResponse> Handle(net::HttpRequest&) override {
        net::HttpResponse response;
        response.status = 404;
        response.headers.Add("content-type", "application/json");
        response.body = std::string(R"({"message":"Not served. POST /_wellhead/reset is there when Wellhead was started )"
                                    R"(with --allow-reset."})");
        co_return response;
    }
};

}  // namespace

// In order of construction: what stands lower may use what stands above it.
struct World::Parts {
    explicit Parts(WorldGround given)
        : ground(given), options(given.options), clock(given.clock), random(given.random), files(given.files),
          data(given.data), io(given.io) {}

    const WorldGround ground;
    const UpOptions& options;
    env::Clock& clock;
    env::Random& random;
    env::Files& files;
    const DataDir& data;
    env::posix::IoThreads& io;
    std::optional<FirstLogin> first_login;

    env::BlockingPool readers{"read", 2};
    env::BlockingPool log_writers{"log-write", 4};  // may hand on to the readers
    env::BlockingPool object_pool{"objects", 8};
    env::BlockingPool keys_pool{"keys", 2};
    env::BlockingPool sql_pool{"sql", 4};
    env::BlockingPool delivery_pool{"delivery", 2};
    std::unique_ptr<storage::Table> table;
    std::unique_ptr<storage::file::FileShardLogStore> logs;
    std::unique_ptr<storage::file::FileObjectStore> objects;

    env::Scope background;

    ObjectEventTargets object_events;
    std::unique_ptr<services::s3::S3Service> s3;
    std::unique_ptr<services::kinesis::KinesisService> kinesis;
    std::unique_ptr<query::ObjectFiles> object_files;
    std::unique_ptr<query::duckdb::WorkerEngine> sql_engine;
    query::duckdb::DuckDbParquetWriter parquet;
    std::unique_ptr<services::glue::GlueService> glue;
    std::unique_ptr<services::iot::TimeZones> zones;
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
    std::unique_ptr<services::cloudformation::CloudFormationService> cloudformation;
    std::unique_ptr<services::sts::StsService> sts;

    HealthHandler health;
    ResetOffHandler reset_off;
    std::unique_ptr<net::HttpHandler> metrics = gateway::MakeMetricsHandler();
    std::unique_ptr<services::iot_gateway::Gateway> mqtt_tls;
    std::unique_ptr<MqttWebSocketHandler> mqtt_web_socket;
    std::unique_ptr<gateway::Gateway> gateway;

    env::Task<Result<void>> OpenStorage(KeptRecords kept);
    env::Task<void> CollectOrphans();
    env::Task<Result<void>> OpenServices();
    env::Task<Result<void>> OpenIot();
    env::Task<Result<void>> OpenLake();
    env::Task<Result<void>> OpenBroker();
    env::Task<Result<void>> OpenConsole();
    env::Task<Result<void>> OpenAccount();
    void MakeGateway();
    api::CallContext RootContext();
};

env::Task<Result<void>> World::Parts::OpenStorage(KeptRecords kept) {
    CO_ASSIGN_OR_RETURN(table, storage::sqlite::OpenTable(files, {.path = data.Sub("metadata.sqlite")}));
    if (!kept.empty()) {
        storage::TableBatch batch;
        for (auto& [key, value] : kept) batch.Put(services::iot::kKeptCollection, std::move(key), std::move(value));
        CO_RETURN_IF_ERROR(co_await table->Commit(std::move(batch)));
    }
    logs = std::make_unique<storage::file::FileShardLogStore>(
        files, clock, random, log_writers, readers,
        storage::file::ShardLogStoreSettings{.root = data.Sub("logs"), .segment_sizes = {}});
    storage::file::ObjectStoreDeps deps{files, clock, *table, object_pool};
    std::string directory = data.Sub("objects");
    auto opened = co_await storage::file::OpenObjectStore(deps, std::move(directory));
    if (!opened) co_return std::unexpected(opened.error());
    objects = std::move(*opened);
    env::Spawn(background, io.executor(0), "orphans of the object store", CollectOrphans());
    env::Spawn(background, io.executor(0), "log checkpoints", logs->KeepCheckpoints());
    env::Spawn(background, io.executor(0), "settling of small objects", objects->KeepSettling());
    co_return Result<void>();
}

env::Task<void> World::Parts::CollectOrphans() {
    auto collected = co_await objects->CollectOrphans();
    if (!collected) base::LogError("objects", "leftovers stay: {}", collected.error().message);
}

env::Task<Result<void>> World::Parts::OpenServices() {
    // Arguments are named first: g++ 12 loses aggregate temporaries in an awaited call.
    services::s3::S3Deps s3_deps{clock, random, *table, *objects, object_pool};
    services::s3::S3Settings s3_settings{options.account_id, options.region};
    auto opened_s3 = co_await services::s3::S3Service::Open(s3_deps, std::move(s3_settings));
    if (!opened_s3) co_return std::unexpected(opened_s3.error());
    s3 = std::move(*opened_s3);
    s3->SetListener(&object_events);
    env::Spawn(background, io.executor(0), "parts of dead uploads", s3->CollectAbandonedParts());
    env::Spawn(background, io.executor(0), "lifecycle rules", s3->KeepLifecycle());

    cognito = services::cognito::Cognito::Open(
        {*table, clock, random, keys_pool},
        {.region = options.region,
         .account_id = options.account_id,
         .issuer_base = fmt::format("http://{}:{}", options.Host(), options.port)});

    services::kinesis::KinesisDependencies kinesis_deps{clock, random, *table, *logs};
    services::kinesis::KinesisSettings kinesis_settings;
    kinesis_settings.account_id = options.account_id;
    kinesis_settings.region = options.region;
    kinesis_settings.creation_delay = options.creation_delay;
    auto opened_kinesis =
        co_await services::kinesis::KinesisService::Open(kinesis_deps, std::move(kinesis_settings));
    if (!opened_kinesis) co_return std::unexpected(opened_kinesis.error());
    kinesis = std::move(*opened_kinesis);
    co_return Result<void>();
}

// Catalog and delivery.
env::Task<Result<void>> World::Parts::OpenLake() {
    object_files = query::MakeStoreFiles(*objects);
    query::duckdb::WorkerSettings workers;
    workers.command = {"/proc/self/exe", "sql-worker"};
    workers.limits.spill_directory = data.Sub("sql-spill");
    sql_engine = std::make_unique<query::duckdb::WorkerEngine>(sql_pool, std::move(workers));

    services::glue::GlueDependencies glue_deps{clock,        random,     *table,        *s3,
                                               *object_files, *sql_engine, io.executor(0)};
    services::glue::GlueSettings glue_settings{options.account_id, options.region};
    auto opened_glue = co_await services::glue::GlueService::Open(glue_deps, std::move(glue_settings));
    if (!opened_glue) co_return std::unexpected(opened_glue.error());
    glue = std::move(*opened_glue);

    zones = std::make_unique<services::iot::TimeZones>(files, "/usr/share/zoneinfo");
    services::firehose::FirehoseDependencies firehose_deps{clock,  random,  files, delivery_pool, *table, *logs,
                                                           parquet, *kinesis, *s3,    *glue,         io.executor(0), {}};
    firehose_deps.zone_offset = [this](const std::string& zone, base::Instant time) { return zones->OffsetAt(zone, time); };
    services::firehose::FirehoseSettings firehose_settings;
    firehose_settings.account_id = options.account_id;
    firehose_settings.region = options.region;
    firehose_settings.creation_delay = options.creation_delay;
    firehose_settings.work_directory = data.Sub("delivery");
    auto opened_firehose =
        co_await services::firehose::FirehoseService::Open(firehose_deps, std::move(firehose_settings));
    if (!opened_firehose) co_return std::unexpected(opened_firehose.error());
    firehose = std::move(*opened_firehose);

    services::athena::AthenaDependencies athena_deps{clock, random,       files,      delivery_pool,  *table, *glue,
                                                     *s3,    *object_files, *sql_engine, io.executor(0)};
    services::athena::AthenaSettings athena_settings{options.account_id, options.region, data.Sub("athena")};
    auto opened_athena = co_await services::athena::AthenaService::Open(athena_deps, std::move(athena_settings));
    if (!opened_athena) co_return std::unexpected(opened_athena.error());
    athena = std::move(*opened_athena);
    co_return Result<void>();
}

env::Task<Result<void>> World::Parts::OpenIot() {
    services::iot::IotSettings settings;
    settings.region = options.region;
    settings.account_id = options.account_id;
    // AWS's answer has no port: 8883 is understood.
    settings.endpoint = options.listen == "127.0.0.1" ? "localhost" : options.Host();
    if (options.mqtt_port != 8883) settings.endpoint += fmt::format(":{}", options.mqtt_port);
    settings.trust_plain = options.plain_mqtt_port.has_value();
    settings.require_server_name = options.mqtt_require_server_name;
    services::iot::IotPeers peers;
    peers.kinesis = kinesis.get();
    peers.firehose = firehose.get();
    peers.s3 = s3.get();
    auto opened_iot = co_await services::iot::IotService::Start(*table, clock, random, files, keys_pool,
                                                                std::move(settings), peers);
    if (!opened_iot) co_return std::unexpected(opened_iot.error());
    iot = std::move(*opened_iot);
    co_return env::ReplaceFileDurably(files, data.Sub("ca.pem"), iot->ca_certificate_pem());
}

env::Task<Result<void>> World::Parts::OpenBroker() {
    broker = std::make_unique<mqtt::Broker>(mqtt::BrokerSettings{}, io.executors(), clock, random,
                                            iot->authorizer(), &iot->sink());
    broker->SetClientEvents(iot->client_events());
    auto opened = co_await broker->Open(*logs);
    if (!opened) co_return opened;
    iot->SetBroker(broker.get());
    broker->Start();
    mqtt::Profile profile =
        options.mqtt_profile == "aws" ? mqtt::Profile::Aws() : mqtt::Profile::Standard();
    mqtt_tls = std::make_unique<services::iot_gateway::Gateway>(*broker, profile);
    mqtt_web_socket = std::make_unique<MqttWebSocketHandler>(*mqtt_tls);
    co_return Result<void>();
}

env::Task<Result<void>> World::Parts::OpenConsole() {
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
    settings.aws_endpoint = fmt::format("http://{}:{}", options.Host(), options.port);
    settings.mqtt_endpoint = fmt::format("mqtts://{}:{}", options.Host(), options.mqtt_port);
    services::console::Dependencies deps{*table, clock, random, background, io.executor(0)};
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
        origins.push_back(fmt::format("http://{}:{}", options.Host(), options.console_port));
    }
    co_return co_await console->SetOrigins(std::move(origins));
}

// What spans the other services: templates, and who calls.
env::Task<Result<void>> World::Parts::OpenAccount() {
    sts = std::make_unique<services::sts::StsService>(ground.credentials, ground.root_key.secret_access_key, clock, random);
    services::cloudformation::CloudFormationDependencies deps{clock, random, *table, providers, *s3, io.executor(0)};
    services::cloudformation::CloudFormationSettings settings{options.account_id, options.region};
    auto opened = co_await services::cloudformation::CloudFormationService::Open(deps, std::move(settings));
    if (!opened) co_return std::unexpected(opened.error());
    cloudformation = std::move(*opened);
    co_return Result<void>();
}

void World::Parts::MakeGateway() {
    gateway = std::make_unique<gateway::Gateway>(
        gateway::GatewayOptions{.account_id = options.account_id, .region = options.region, .endpoint_host = {}},
        ground.credentials, clock, random);
    services.push_back(apis::iot::MakeService(iot->control()));
    services.push_back(apis::iot_data::MakeService(iot->data()));
    services.push_back(apis::cognito_idp::MakeService(cognito->api()));
    services.push_back(apis::kinesis::MakeService(*kinesis));
    services.push_back(apis::firehose::MakeService(*firehose));
    services.push_back(apis::glue::MakeService(*glue));
    services.push_back(apis::athena::MakeService(*athena));
    services.push_back(apis::cloudformation::MakeService(*cloudformation));
    services.push_back(apis::sts::MakeService(*sts));
    services.push_back(services::s3::MakeEndpoint(*s3, apis::s3::MakeService(*s3), ground.credentials, clock));
    for (auto& service : services) gateway->AddService(*service);
    gateway->AddRoute({"health", gateway::PathPrefix("/health"), &health, {}});
    gateway->AddRoute({"metrics", gateway::PathPrefix("/metrics"), metrics.get(), {}});
    gateway->AddRoute({"reset", gateway::PathPrefix("/_wellhead"), &reset_off, {}});
    gateway->AddRoute({"mqtt", gateway::PathPrefix("/mqtt"), mqtt_web_socket.get(), "iotdevicegateway"});
    gateway->AddRoute({"login", [this](const net::HttpRequest& request) { return cognito->Owns(request); },
                       &cognito->login(), {}});
}

api::CallContext World::Parts::RootContext() {
    api::CallContext context;
    context.request_id = env::RandomUuid(random);
    context.account_id = options.account_id;
    context.region = options.region;
    context.caller = {.account_id = options.account_id,
                      .arn = fmt::format("arn:aws:iam::{}:root", options.account_id),
                      .access_key_id = {},
                      .authenticated = true,
                      .root = true};
    return context;
}

env::Task<Result<std::unique_ptr<World>>> World::Open(WorldGround ground, KeptRecords kept) {
    std::unique_ptr<World> world(new World(std::make_unique<Parts>(ground)));
    Parts& parts = *world->parts_;
    Result<void> step = co_await parts.OpenStorage(std::move(kept));
    if (step) step = co_await parts.OpenServices();
    if (step) step = co_await parts.OpenLake();
    if (step) step = co_await parts.OpenIot();
    if (step) step = co_await parts.OpenBroker();
    if (step) step = co_await parts.OpenConsole();
    if (step) step = co_await parts.OpenAccount();
    if (!step) {
        co_await world->CloseBroker();
        co_await world->Close();
        co_return std::unexpected(step.error());
    }
    parts.MakeGateway();
    parts.cloudformation->Resume();
    co_return std::move(world);
}

World::World(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
World::~World() = default;
net::HttpHandler& World::aws() { return *parts_->gateway; }
net::HttpHandler& World::console() { return parts_->console->handler(); }
net::StreamHandler& World::mqtt() { return *parts_->mqtt_tls; }
apis::cloudformation::CloudformationApi& World::cloudformation() { return *parts_->cloudformation; }
api::CallContext World::RootContext() { return parts_->RootContext(); }
const std::optional<FirstLogin>& World::first_login() const { return parts_->first_login; }

Result<net::TlsIdentity> World::IssueServerCertificate(base::Duration lifetime) {
    char host[256] = "localhost";
    ::gethostname(host, sizeof host - 1);
    ASSIGN_OR_RETURN(auto issued, parts_->iot->IssueServerCertificate(
                                      {"localhost", "127.0.0.1", "::1", host, parts_->options.listen,
                                       fmt::format("*.iot.{}.amazonaws.com", parts_->options.region)},
                                      lifetime));
    return net::TlsIdentity{issued.certificate_pem, issued.private_key_pem};
}

env::Task<Result<KeptRecords>> World::Keep() {
    storage::TableRange everything;
    auto entries = co_await parts_->table->Scan(services::iot::kKeptCollection, std::move(everything));
    if (!entries) co_return std::unexpected(entries.error());
    KeptRecords kept;
    for (auto& entry : *entries) kept.emplace_back(std::move(entry.key), std::move(entry.value));
    co_return kept;
}

env::Task<void> World::CloseBroker() {
    if (parts_->iot) parts_->iot->SetBroker(nullptr);
    if (parts_->broker) co_await parts_->broker->Close();
}

env::Task<void> World::Close() {
    Parts& parts = *parts_;
    if (parts.cloudformation) co_await parts.cloudformation->Close();
    if (parts.athena) co_await parts.athena->Close();
    if (parts.firehose) co_await parts.firehose->Close();
    if (parts.glue) co_await parts.glue->Close();
    if (parts.kinesis) co_await parts.kinesis->Close();
    co_await parts.background.Close();
    if (parts.s3) co_await parts.s3->Close();
}

}  // namespace wellhead::server
