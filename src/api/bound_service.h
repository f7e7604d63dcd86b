#pragma once
// What the protocols have in common: a model bound to an implementation, calls through erased types, errors.

#include <boost/json/object.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/call.h"
#include "api/shape.h"
#include "api/wire.h"

namespace wellhead::api {

// A request's body without streaming may be as long as this.
inline constexpr uint64_t kMaxBodyBytes = uint64_t{64} << 20;

class BoundService : public Service {
  public:
    BoundService(const Model& model, std::vector<CallFunction> calls, void* api);

    std::string_view signing_name() const override { return model_.signing_name; }
    std::string_view target_prefix() const override { return model_.target_prefix; }
    Protocol protocol() const override { return model_.protocol; }
    bool AllowsUnsigned(std::string_view operation) const override;
    env::Task<Outcome<boost::json::value>> Invoke(CallContext context, std::string operation,
                                                  boost::json::object input) override;

  protected:
    const Operation* FindOperation(std::string_view name) const;
    // Checks constraints; missing as for Validate.
    Outcome<void> Check(const Operation& operation, const void* input, const std::vector<std::string>& missing) const;
    env::Task<Outcome<void>> Call(const Operation& operation, const CallContext& context, void* input, void* output);
    ServiceError InputError(std::string message) const;
    // For a name or a path that no served operation has; named when the API has it.
    ServiceError NotServed(std::string_view operation) const;
    // "message" or "Message", as the model's error shape has it.
    std::string_view MessageMemberOf(std::string_view code) const;

    const Model& model_;

  private:
    std::vector<CallFunction> calls_;
    void* api_;
};

std::string_view FindHeader(const WireHeaders& headers, std::string_view name);

// The service of each protocol.
std::unique_ptr<Service> BindJson(const Model& model, std::vector<CallFunction> calls, void* api);
std::unique_ptr<Service> BindRestJson(const Model& model, std::vector<CallFunction> calls, void* api);
std::unique_ptr<Service> BindRestXml(const Model& model, std::vector<CallFunction> calls, void* api);
std::unique_ptr<Service> BindQuery(const Model& model, std::vector<CallFunction> calls, void* api);

// {"__type": code, "message": ...} and the error's members.
std::string JsonErrorBody(const ServiceError& error, std::string_view message_member);

}  // namespace wellhead::api
