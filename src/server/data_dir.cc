#include "server/data_dir.h"

#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cstdlib>
#include <vector>

#include "codec/base64.h"

namespace wellhead::server {

namespace {

namespace json = boost::json;
using base::ErrorCode;
using base::Result;

constexpr uint64_t kSmallFile = 64 << 10;

std::string RootKeyPath(const std::string& dir) { return dir + "/root_key.json"; }
std::string EndpointsPath(const std::string& dir) { return dir + "/endpoints.json"; }

Result<json::object> ReadJson(env::Files& files, const std::string& path) {
    ASSIGN_OR_RETURN(std::string text, env::ReadWholeFile(files, path, kSmallFile));
    boost::system::error_code error;
    json::value value = json::parse(text, error);
    if (error || !value.is_object()) return base::Fail(ErrorCode::kCorrupt, path + " is not a JSON object");
    return value.get_object();
}

std::string Text(const json::object& object, std::string_view name) {
    const json::value* value = object.if_contains(name);
    return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

int64_t Number(const json::object& object, std::string_view name) {
    const json::value* value = object.if_contains(name);
    return value != nullptr && value->is_int64() ? value->get_int64() : 0;
}

RootKey NewRootKey(env::Random& random) {
    static constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    std::vector<uint8_t> raw(16 + 30);
    random.Fill(raw);
    RootKey key;
    key.access_key_id = "AKIA";
    for (size_t i = 0; i < 16; ++i) key.access_key_id.push_back(kAlphabet[raw[i] % 32]);
    key.secret_access_key =
        codec::EncodeBase64(std::string_view(reinterpret_cast<const char*>(raw.data()) + 16, 30));
    return key;
}

}  // namespace

std::string Endpoints::Address() const {
    return host.starts_with('[') ? host.substr(1, host.size() - 2) : host;
}
std::string Endpoints::AwsUrl() const { return fmt::format("http://{}:{}", host, port); }
std::string Endpoints::ConsoleUrl() const {
    return fmt::format("http://{}:{}", host == "127.0.0.1" ? "localhost" : host, console_port);
}

std::string Endpoints::ToJson() const {
    return json::serialize(json::object{{"pid", pid},
                                        {"host", host},
                                        {"endpoint", AwsUrl()},
                                        {"console", ConsoleUrl()},
                                        {"port", port},
                                        {"mqtt_port", mqtt_port},
                                        {"plain_mqtt_port", plain_mqtt_port},
                                        {"console_port", console_port},
                                        {"account_id", account_id},
                                        {"region", region},
                                        {"ca_file", ca_file}});
}

Result<std::unique_ptr<DataDir>> DataDir::Open(env::Files& files, std::string path) {
    RETURN_IF_ERROR(files.MakeDirectories(path));
    auto lock = env::posix::FileLock::Acquire(path + "/lock");
    if (!lock && lock.error().code == ErrorCode::kAlreadyExists) {
        auto other = ReadEndpoints(files, path);
        return base::Fail(ErrorCode::kAlreadyExists,
                          fmt::format("another Wellhead runs with the data directory {}{}", path,
                                      other ? fmt::format(" (process {})", other->pid) : ""));
    }
    if (!lock) return std::unexpected(lock.error());
    return std::unique_ptr<DataDir>(new DataDir(files, std::move(path), std::move(*lock)));
}

Result<RootKey> DataDir::LoadRootKey(env::Random& random) {
    const char* id = std::getenv("WELLHEAD_ROOT_ACCESS_KEY_ID");
    const char* secret = std::getenv("WELLHEAD_ROOT_SECRET_ACCESS_KEY");
    if ((id == nullptr) != (secret == nullptr)) {
        return base::Fail(ErrorCode::kInvalidArgument,
                          "WELLHEAD_ROOT_ACCESS_KEY_ID and WELLHEAD_ROOT_SECRET_ACCESS_KEY go together");
    }
    RootKey key;
    if (id != nullptr) {
        key = {id, secret};
    } else {
        auto kept = ReadRootKey(files_, path_);
        if (kept) return kept;
        if (kept.error().code != ErrorCode::kNotFound) return kept;
        key = NewRootKey(random);
    }
    RETURN_IF_ERROR(env::ReplaceFileDurably(
        files_, RootKeyPath(path_),
        json::serialize(json::object{{"access_key_id", key.access_key_id},
                                     {"secret_access_key", key.secret_access_key}})));
    return key;
}

Result<void> DataDir::WriteEndpoints(const Endpoints& endpoints) {
    return env::ReplaceFileDurably(files_, EndpointsPath(path_), endpoints.ToJson());
}

Result<Endpoints> ReadEndpoints(env::Files& files, const std::string& data_dir) {
    auto object = ReadJson(files, EndpointsPath(data_dir));
    if (!object && object.error().code == ErrorCode::kNotFound) {
        return base::Fail(ErrorCode::kNotFound,
                          fmt::format("no Wellhead was started with the data directory {}", data_dir));
    }
    if (!object) return std::unexpected(object.error());
    Endpoints endpoints;
    endpoints.pid = Number(*object, "pid");
    endpoints.host = Text(*object, "host");
    endpoints.port = static_cast<uint16_t>(Number(*object, "port"));
    endpoints.mqtt_port = static_cast<uint16_t>(Number(*object, "mqtt_port"));
    endpoints.plain_mqtt_port = static_cast<uint16_t>(Number(*object, "plain_mqtt_port"));
    endpoints.console_port = static_cast<uint16_t>(Number(*object, "console_port"));
    endpoints.account_id = Text(*object, "account_id");
    endpoints.region = Text(*object, "region");
    endpoints.ca_file = Text(*object, "ca_file");
    return endpoints;
}

Result<RootKey> ReadRootKey(env::Files& files, const std::string& data_dir) {
    ASSIGN_OR_RETURN(json::object object, ReadJson(files, RootKeyPath(data_dir)));
    RootKey key{Text(object, "access_key_id"), Text(object, "secret_access_key")};
    if (key.access_key_id.empty() || key.secret_access_key.empty()) {
        return base::Fail(ErrorCode::kCorrupt, RootKeyPath(data_dir) + " lacks a key");
    }
    return key;
}

}  // namespace wellhead::server
