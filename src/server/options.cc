#include "server/options.h"

#include <CLI/CLI.hpp>
#include <cstdlib>

namespace wellhead::server {

namespace {

void AddDataDir(CLI::App* command, std::string& target) {
    command->add_option("--data-dir", target, "Where everything is kept")->capture_default_str();
}

void AddUp(CLI::App& app, Options& options) {
    UpOptions& up = options.up;
    CLI::App* command = app.add_subcommand("up", "Start Wellhead, and deploy a pipeline if one is named");
    command->add_option("template", up.template_path, "A CloudFormation template (YAML or JSON)")
        ->check(CLI::ExistingFile);
    AddDataDir(command, up.data_dir);
    command->add_option("--stack", up.stack_name, "Name of the template's stack (default: the file's name)");
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
    command->add_option("--account-id", up.account_id, "Twelve digits")->capture_default_str();
    command->add_option("--region", up.region, "The region in names of resources")->capture_default_str();
    command->add_option("--threads", up.threads, "I/O threads; 0: one per core")->capture_default_str();
    command->add_option("--parameter", up.parameters, "Parameters of the template: Name=Value")
        ->delimiter('=');
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

void AddClients(CLI::App& app, Options& options) {
    CLI::App* env = app.add_subcommand("env", "Print shell lines that point AWS tools at the running Wellhead");
    AddDataDir(env, options.data_dir);
    env->callback([&options] { options.command = Command::kEnv; });

    CLI::App* status = app.add_subcommand("status", "Say what is running and how it does");
    AddDataDir(status, options.data_dir);
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

std::expected<Options, int> ParseOptions(int argc, char** argv) {
    Options options;
    options.data_dir = options.up.data_dir = options.simulate.data_dir = DefaultDataDir();
    CLI::App app("Wellhead: devices in, live charts, a Parquet lake and SQL out.", "wellhead");
    app.require_subcommand(1);
    AddUp(app, options);
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
