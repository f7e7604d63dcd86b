#pragma once
// The data directory: who holds it, the root key, and where the running server is reached.
// Layout: docs/formats/data_dir.md.

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "env/files.h"
#include "env/posix/file_lock.h"
#include "env/random.h"

namespace wellhead::server {

struct RootKey {
    std::string access_key_id;
    std::string secret_access_key;
};

// What the commands beside "up" need to know of the running server.
struct Endpoints {
    int64_t pid = 0;
    std::string host;
    uint16_t port = 0;
    uint16_t mqtt_port = 0;
    uint16_t plain_mqtt_port = 0;  // 0: off
    uint16_t console_port = 0;
    std::string account_id;
    std::string region;
    std::string ca_file;  // of the authority that signs device and server certificates

    // The host without the brackets that an IPv6 address has in URLs.
    std::string Address() const;
    std::string AwsUrl() const;
    std::string ConsoleUrl() const;
    std::string ToJson() const;
};

class DataDir {
  public:
    // Makes the directory if need be and takes its lock; a second server on it is refused with kAlreadyExists. The lock
    // goes with the process.
    static base::Result<std::unique_ptr<DataDir>> Open(env::Files& files, std::string path);

    const std::string& path() const { return path_; }
    std::string Sub(std::string_view name) const { return path_ + "/" + std::string(name); }

    // From the environment (WELLHEAD_ROOT_ACCESS_KEY_ID, WELLHEAD_ROOT_SECRET_ACCESS_KEY: both or none), or kept from
    // the first start, or made now.
    base::Result<RootKey> LoadRootKey(env::Random& random);

    base::Result<void> WriteEndpoints(const Endpoints& endpoints);

  private:
    DataDir(env::Files& files, std::string path, std::unique_ptr<env::posix::FileLock> lock)
        : files_(files), path_(std::move(path)), lock_(std::move(lock)) {}
    env::Files& files_;
    std::string path_;
    std::unique_ptr<env::posix::FileLock> lock_;
};

// For the commands that talk to a running server. kNotFound says that none was started there.
base::Result<Endpoints> ReadEndpoints(env::Files& files, const std::string& data_dir);
base::Result<RootKey> ReadRootKey(env::Files& files, const std::string& data_dir);

}  // namespace wellhead::server
