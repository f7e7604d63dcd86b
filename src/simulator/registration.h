#pragma once
// Registers wells by the AWS IoT API, each a thing with a certificate of its own, and keeps the certificates for the next run.

#include <string>

#include "api/wire.h"
#include "base/result.h"
#include "env/files.h"
#include "env/task.h"

namespace wellhead::simulator {

struct DeviceIdentity {
    std::string certificate_pem;
    std::string private_key_pem;
};

struct RegistrationSettings {
    std::string directory;  // of certificates and keys: NAME.crt.pem, NAME.key.pem, NAME.arn
    std::string thing_type = "well";
    std::string policy = "well";
    std::string topic_prefix;  // what the policy allows, where there is none of that name yet
};

class Registration {
  public:
    // Both outlive it.
    Registration(api::Transport& transport, env::Files& files, RegistrationSettings settings)
        : transport_(transport), files_(files), settings_(std::move(settings)) {}

    // The thing type and the policy, made where they are missing.
    env::Task<base::Result<void>> Prepare();
    // The thing is there, with a certificate that the policy and the thing are attached to.
    env::Task<base::Result<DeviceIdentity>> Register(std::string name);

  private:
    struct Call {
        std::string method;
        std::string path;
        std::string query = {};
        std::string principal = {};  // x-amzn-principal
        std::string body = {};
    };
    struct Kept {
        DeviceIdentity identity;
        std::string arn;
    };
    // The answer's body; kNotFound, kAlreadyExists, or kUnavailable with what the server said.
    env::Task<base::Result<std::string>> Send(Call call);
    env::Task<base::Result<void>> Attach(std::string name, std::string arn);
    env::Task<base::Result<Kept>> MakeCertificate(std::string name);
    base::Result<Kept> ReadKept(const std::string& name);
    std::string PathOf(const std::string& name, std::string_view suffix) const {
        return settings_.directory + "/" + name + std::string(suffix);
    }

    api::Transport& transport_;
    env::Files& files_;
    RegistrationSettings settings_;
};

}  // namespace wellhead::simulator
