#include "server/options.h"

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdlib>

namespace wellhead::server {

namespace {

void AddDataDir(CLI::App* command, std::string& target) {
    command->add_option("--data-dir", target, "Where everything is kept")->capture_default_str();
}

// "Name=Value ..." after one flag, as the AWS CLI's --parameter-overrides takes them.
void AddDeployOptions(CLI::App* command, DeployOptions& deploy) {
    command->add_option("--stack-name", deploy.stack_name, "Name of the template's stack (default: the file's name)");
    command->add_option_function<std::vector<std::string>>(
        "--parameters",
        [&deploy](const std::vector<std::string>& pairs) {
            for (const std::string& pair : pairs) {
                size_t equals = pair.find('=');
                if (equals == std::string::npos || equals == 0) {
                    throw CLI::ValidationError("--parameters", pair + " is not Name=Value");
                }
                deploy.parameters[pair.substr(0, equals)] = pair.substr(equals + 1);
            }
        },
        "Parameters of the template: Name=Value ...");
}

void AddDuration(CLI::App* command, const std::string& name, base::Duration& target, const std::string& help) {
    command->add_option_function<std::string>(
        name,
        [&target, name](const std::string& text) {
            auto duration = ParseDuration(text);
            if (!duration) throw CLI::ValidationError(name, text + " is not a duration like 250ms, 10s, 2m");
            target = *duration;
        },
        help);
}

void AddUp(CLI::App& app, Options& options) {
    UpOptions& up = options.up;
    CLI::App* command = app.add_subcommand("up", "Start Wellhead, and deploy a pipeline if one is named");
    command->add_option("template", up.deploy.template_path, "A CloudFormation template (YAML or JSON)")
        ->check(CLI::ExistingFile);
    AddDeployOptions(command, up.deploy);
    AddDataDir(command, up.data_dir);
    command->add_option("--listen", up.listen, "Address to listen on")->capture_default_str();
    command->add_option("--port", up.port, "AWS endpoint, HTTP and HTTPS; 0: any free port")
        ->capture_default_str();
    command->add_option("--mqtt-port", up.mqtt_port, "MQTT over TLS with client certificates; 0: any")
        ->capture_default_str();
    command->add_option("--console-port", up.console_port, "The console; 0: any")->capture_default_str();
    command->add_option("--plain-mqtt-port", up.plain_mqtt_port,
                        "MQTT without TLS or certificates, on loopback only; off unless given; 0: any");
    command->add_option("--mqtt-profile", up.mqtt_profile, "All of MQTT, or AWS IoT's limits")
        ->check(CLI::IsMember({"standard", "aws"}))
        ->capture_default_str();
    command->add_flag("--mqtt-require-sni", up.mqtt_require_server_name,
                      "Refuse certificates of clients that name no server (SNI), as AWS IoT does");
    command->add_option("--account-id", up.account_id, "Twelve digits")->capture_default_str();
    command->add_option("--region", up.region, "The region in names of resources")->capture_default_str();
    command->add_option("--threads", up.threads, "I/O threads; 0: one per core")->capture_default_str();
    AddDuration(command, "--creation-delay", up.creation_delay,
                "How long new resources stay CREATING, as 250ms, 10s, 2m (default: 0)");
    command->add_flag("--allow-reset", up.allow_reset, "Serve POST /_wellhead/reset, which empties everything: for tests");
    command->callback([&options] { options.command = Command::kUp; });
}

void AddSimulate(CLI::App& app, Options& options) {
    SimulateOptions& simulate = options.simulate;
    CLI::App* command =
        app.add_subcommand("simulate", "Register wells and publish their readings over mutual TLS");
    AddDataDir(command, simulate.data_dir);
    command->add_option("--wells", simulate.wells)->check(CLI::Range(1, 10'000))->capture_default_str();
    command->add_option("--rate", simulate.rate_hz, "Readings per second and well")
        ->check(CLI::PositiveNumber)
        ->capture_default_str();
    command->add_option("--duration", simulate.duration_s, "Seconds; 0: until interrupted")
        ->check(CLI::NonNegativeNumber)
        ->capture_default_str();
    command->add_option("--outliers", simulate.outliers, "Probability of a reading being an outlier")
        ->check(CLI::Range(0.0, 1.0))
        ->capture_default_str();
    command->add_option("--seed", simulate.seed)->capture_default_str();
    command->add_option("--thing-type", simulate.thing_type)->capture_default_str();
    command->add_option("--policy", simulate.policy, "AWS IoT policy of the wells' certificates")
        ->capture_default_str();
    command->add_option("--topic", simulate.topic, "{} stands for the well's name")->capture_default_str();
    command->callback([&options] { options.command = Command::kSimulate; });
}

void AddDeploy(CLI::App& app, Options& options) {
    CLI::App* command = app.add_subcommand("deploy", "Deploy a template onto the running Wellhead");
    command->add_option("template", options.deploy.template_path, "A CloudFormation template (YAML or JSON)")
        ->required()
        ->check(CLI::ExistingFile);
    AddDeployOptions(command, options.deploy);
    AddDataDir(command, options.data_dir);
    command->callback([&options] { options.command = Command::kDeploy; });
}

void AddSql(CLI::App& app, Options& options) {
    SqlOptions& sql = options.sql;
    CLI::App* command = app.add_subcommand("sql", "Run a query through Athena and print its result");
    command->add_option("statement", sql.statement, "The query, as in \"SELECT ...\"")->required();
    command->add_flag("--csv", sql.csv, "Comma-separated values, instead of an aligned table");
    command->add_option("--database", sql.database, "For names without one");
    command->add_option("--work-group", sql.work_group)->capture_default_str();
    command->add_option("--output-location", sql.output_location,
                        "Where the result is kept, s3://bucket/prefix/ (default: the work group's, or a bucket "
                        "aws-athena-query-results-ACCOUNT-REGION)");
    AddDataDir(command, options.data_dir);
    command->callback([&options] { options.command = Command::kSql; });
}

void AddClients(CLI::App& app, Options& options) {
    CLI::App* env = app.add_subcommand("env", "Print shell lines that point AWS tools at the running Wellhead");
    AddDataDir(env, options.data_dir);
    env->callback([&options] { options.command = Command::kEnv; });

    CLI::App* status = app.add_subcommand("status", "Say what is running and how it does");
    AddDataDir(status, options.data_dir);
    status->add_flag("--json", options.json, "As one JSON object");
    status->callback([&options] { options.command = Command::kStatus; });

    app.add_subcommand("version", "Print the version")->callback([&options] {
        options.command = Command::kVersion;
    });

    // Started by the server itself, never by a person.
    CLI::App* worker = app.add_subcommand("sql-worker", "")->group("");
    worker->add_option("fd", options.worker_fd)->required();
    worker->callback([&options] { options.command = Command::kSqlWorker; });
}

}  // namespace

std::string DefaultDataDir() {
    if (const char* dir = std::getenv("WELLHEAD_DATA_DIR"); dir != nullptr && *dir != 0) return dir;
    if (const char* dir = std::getenv("XDG_DATA_HOME"); dir != nullptr && *dir != 0) {
        return std::string(dir) + "/wellhead";
    }
    const char* home = std::getenv("HOME");
    return std::string(home != nullptr ? home : ".") + "/.local/share/wellhead";
}

std::string UpOptions::Host() const {
    if (listen == "0.0.0.0") return "127.0.0.1";
    if (listen == "::") return "[::1]";
    return listen.find(':') == std::string::npos ? listen : "[" + listen + "]";
}

std::optional<base::Duration> ParseDuration(std::string_view text) {
    double number = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || !(number >= 0)) return std::nullopt;
    std::string_view unit = text.substr(static_cast<size_t>(end - text.data()));
    double seconds = unit.empty() || unit == "s" ? 1
                     : unit == "ms"              ? 0.001
                     : unit == "m"               ? 60
                     : unit == "h"               ? 3600
                                                 : -1;
    constexpr double kDay_s = 24 * 3600;
    if (seconds < 0 || number * seconds > kDay_s) return std::nullopt;
    return base::Duration(static_cast<int64_t>(number * seconds * 1e6));
}

std::expected<Options, int> ParseOptions(int argc, char** argv) {
    Options options;
    if (argc > 0) options.up.program = argv[0];
    options.data_dir = options.up.data_dir = options.simulate.data_dir = DefaultDataDir();
    CLI::App app("Wellhead: devices in, live charts, a Parquet lake and SQL out.", "wellhead");
    app.require_subcommand(1);
    AddUp(app, options);
    AddDeploy(app, options);
    AddSql(app, options);
    AddClients(app, options);
    AddSimulate(app, options);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return std::unexpected(app.exit(error));
    }
    const std::string& account = options.up.account_id;
    if (account.size() != 12 || account.find_first_not_of("0123456789") != std::string::npos) {
        std::cerr << "--account-id must be twelve digits\n";
        return std::unexpected(2);
    }
    return options;
}

}  // namespace wellhead::server
