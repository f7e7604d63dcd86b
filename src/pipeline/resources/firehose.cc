// AWS::KinesisFirehose::DeliveryStream

#include "env/deadline.h"
#include "pipeline/resources/api_resource.h"

namespace wellhead::pipeline {

namespace {

using namespace std::chrono_literals;
using api::Outcome;

constexpr auto kActivePoll = 50ms;
constexpr int kActivePolls = 6000;  // five minutes

class DeliveryStream final : public ApiResource {
  public:
    explicit DeliveryStream(ApiCaller& caller)
        : ApiResource(caller,
                      {"DeliveryStreamName", "DeliveryStreamType", "KinesisStreamSourceConfiguration",
                       "ExtendedS3DestinationConfiguration", "S3DestinationConfiguration", "Tags"},
                      {"DeliveryStreamName", "DeliveryStreamType", "KinesisStreamSourceConfiguration",
                       "S3DestinationConfiguration"}) {}

    env::Task<Outcome<ResourceValues>> Create(ResourceRequest request) override {
        CO_RETURN_IF_ERROR(CheckServed(request.properties));
        std::string name = NameOf(request, "DeliveryStreamName", 64);
        Object input = Pick(request.properties,
                            {"DeliveryStreamType", "KinesisStreamSourceConfiguration",
                             "ExtendedS3DestinationConfiguration", "S3DestinationConfiguration", "Tags"});
        input["DeliveryStreamName"] = name;
        auto created = co_await Call(request.context, "firehose", "CreateDeliveryStream", std::move(input));
        if (!created) co_return std::unexpected(created.error());
        auto values = co_await WaitActive(request.context, name);
        if (!values) co_await TakeBack(std::move(request), std::move(name));
        co_return values;
    }
    env::Task<Outcome<std::optional<ResourceValues>>> Adopt(ResourceRequest request) override {
        auto values = co_await WaitActive(request.context, NameOf(request, "DeliveryStreamName", 64));
        RETURN_IF_GONE_OR(values, std::optional<ResourceValues>());
        co_return std::optional<ResourceValues>(std::move(*values));
    }
    env::Task<Outcome<ResourceValues>> Update(ResourceRequest request, ResourceValues existing) override {
        CO_RETURN_IF_ERROR(CheckServed(request.properties));
        Object query{{"DeliveryStreamName", existing.physical_id}};
        auto now = co_await Call(request.context, "firehose", "DescribeDeliveryStream", std::move(query));
        if (!now) co_return std::unexpected(now.error());
        const Json* destinations = nullptr;
        const Json* description = now->as_object().if_contains("DeliveryStreamDescription");
        if (description != nullptr) destinations = description->as_object().if_contains("Destinations");
        const Json* wanted = request.properties.if_contains("ExtendedS3DestinationConfiguration");
        if (wanted == nullptr || destinations == nullptr || destinations->as_array().empty()) co_return existing;
        Object input{{"DeliveryStreamName", existing.physical_id},
                     {"CurrentDeliveryStreamVersionId", At(*description, "VersionId")},
                     {"DestinationId", At(destinations->as_array()[0], "DestinationId")},
                     {"ExtendedS3DestinationUpdate", *wanted}};
        auto updated = co_await Call(request.context, "firehose", "UpdateDestination", std::move(input));
        if (!updated) co_return std::unexpected(updated.error());
        co_return existing;
    }
    env::Task<Outcome<void>> Delete(ResourceRequest request, ResourceValues existing) override {
        Object input{{"DeliveryStreamName", existing.physical_id}};
        auto deleted = co_await Call(request.context, "firehose", "DeleteDeliveryStream", std::move(input));
        RETURN_IF_GONE_OR(deleted, Outcome<void>());
        co_return Outcome<void>();
    }

  private:
    env::Task<Outcome<ResourceValues>> WaitActive(api::CallContext context, std::string name) {
        for (int i = 0; i < kActivePolls; ++i) {
            Object input{{"DeliveryStreamName", name}};
            auto described = co_await Call(context, "firehose", "DescribeDeliveryStream", std::move(input));
            if (!described) co_return std::unexpected(described.error());
            std::string status = At(*described, "DeliveryStreamDescription.DeliveryStreamStatus");
            if (status == "ACTIVE") {
                co_return ResourceValues{name, {{"Arn", At(*described, "DeliveryStreamDescription.DeliveryStreamARN")}}};
            }
            if (status == "CREATING_FAILED") break;
            co_await env::Sleep(kActivePoll);
        }
        co_return std::unexpected(ValidationError("the delivery stream did not become ACTIVE"));
    }
};

}  // namespace

std::unique_ptr<ResourceProvider> MakeFirehoseDeliveryStream(ApiCaller& caller) {
    return std::make_unique<DeliveryStream>(caller);
}

}  // namespace wellhead::pipeline
