#pragma once
// What generated operations are written on: the way from a typed method to erased values and back.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "api/shape.h"
#include "api/wire.h"

namespace wellhead::api {

// Carries a call whose types are known by its operation only. input and output point to the operation's structs.
class Invoker {
  public:
    virtual ~Invoker() = default;
    virtual env::Task<Outcome<void>> Invoke(const Operation& operation, const CallContext& context, void* input,
                                            void* output) = 0;
};

// Calls through invoker; without one, the error that the operation is not served.
env::Task<Outcome<void>> InvokeOr(Invoker* invoker, const Operation& operation, const CallContext& context,
                                  void* input, void* output);

template <class Output, class Input>
env::Task<Outcome<Output>> Forward(Invoker* invoker, const Operation& operation,
                                   const CallContext& context, Input input) {
    Output output;
    auto done = co_await InvokeOr(invoker, operation, context, &input, &output);
    if (!done) co_return std::unexpected(std::move(done).error());
    co_return output;
}

using CallFunction = env::Task<Outcome<void>> (*)(void* api, const CallContext& context, void* input,
                                                  void* output);

template <class Api, class Input, class Output,
          env::Task<Outcome<Output>> (Api::*method)(const CallContext&, Input)>
env::Task<Outcome<void>> CallMethod(void* api, const CallContext& context, void* input, void* output) {
    auto outcome = co_await (static_cast<Api*>(api)->*method)(context, std::move(*static_cast<Input*>(input)));
    if (!outcome) co_return std::unexpected(std::move(outcome).error());
    *static_cast<Output*>(output) = std::move(*outcome);
    co_return Outcome<void>();
}

// calls: one per operation of the model, in its order.
std::unique_ptr<Service> Bind(const Model& model, std::vector<CallFunction> calls, void* api);
std::unique_ptr<Invoker> MakeRemoteInvoker(const Model& model, Transport& transport, std::string region);

}  // namespace wellhead::api
