// AWS::S3::Bucket

#include "pipeline/resources/api_resource.h"

namespace wellhead::pipeline {

namespace {

using api::Outcome;

class S3Bucket final : public ApiResource {
  public:
    explicit S3Bucket(ApiCaller& caller)
        : ApiResource(caller, {"BucketName", "Tags", "PublicAccessBlockConfiguration"}, {"BucketName"}) {}

    env::Task<Outcome<ResourceValues>> Create(ResourceRequest request) override {
        CO_RETURN_IF_ERROR(CheckServed(request.properties));
        std::string name = NameOf(request, "BucketName", 63, true);
        // A bucket that is there already is not ours to take over: CreateBucket alone would say yes to its owner.
        Object head{{"Bucket", name}};
        auto existing = co_await Call(request.context, "s3", "HeadBucket", std::move(head));
        if (existing) {
            co_return std::unexpected(ValidationError(fmt::format("the bucket {} exists already", name)));
        }
        Object input{{"Bucket", name}};
        if (request.context.region != "us-east-1") {
            input["CreateBucketConfiguration"] = Object{{"LocationConstraint", request.context.region}};
        }
        auto created = co_await Call(request.context, "s3", "CreateBucket", std::move(input));
        if (!created) co_return std::unexpected(created.error());
        auto configured = co_await Configure(request, name);
        ResourceValues values = ValuesOf(request, name);
        if (configured) co_return values;
        co_await TakeBack(std::move(request), std::move(name));
        co_return std::unexpected(configured.error());
    }

    env::Task<Outcome<std::optional<ResourceValues>>> Adopt(ResourceRequest request) override {
        std::string name = NameOf(request, "BucketName", 63, true);
        Object input{{"Bucket", name}};
        auto head = co_await Call(request.context, "s3", "HeadBucket", std::move(input));
        if (!head) co_return std::optional<ResourceValues>();
        auto configured = co_await Configure(request, name);
        if (!configured) co_return std::unexpected(configured.error());
        co_return std::optional<ResourceValues>(ValuesOf(request, name));
    }

    env::Task<Outcome<ResourceValues>> Update(ResourceRequest request, ResourceValues existing) override {
        CO_RETURN_IF_ERROR(CheckServed(request.properties));
        auto configured = co_await Configure(std::move(request), existing.physical_id);
        if (!configured) co_return std::unexpected(configured.error());
        co_return existing;
    }

    env::Task<Outcome<void>> Delete(ResourceRequest request, ResourceValues existing) override {
        Object input{{"Bucket", existing.physical_id}};
        auto deleted = co_await Call(request.context, "s3", "DeleteBucket", std::move(input));
        RETURN_IF_GONE_OR(deleted, Outcome<void>());
        co_return Outcome<void>();
    }

  private:
    static ResourceValues ValuesOf(const ResourceRequest& request, const std::string& name) {
        return {name,
                {{"Arn", "arn:aws:s3:::" + name},
                 {"DomainName", name + ".s3.amazonaws.com"},
                 {"RegionalDomainName", fmt::format("{}.s3.{}.amazonaws.com", name, request.context.region)}}};
    }

    env::Task<Outcome<void>> Configure(ResourceRequest request, std::string name) {
        if (const Json* tags = request.properties.if_contains("Tags")) {
            Object input{{"Bucket", name}, {"Tagging", Object{{"TagSet", *tags}}}};
            auto tagged = co_await Call(request.context, "s3", "PutBucketTagging", std::move(input));
            if (!tagged) co_return std::unexpected(tagged.error());
        }
        if (const Json* block = request.properties.if_contains("PublicAccessBlockConfiguration")) {
            Object input{{"Bucket", name}, {"PublicAccessBlockConfiguration", *block}};
            auto put = co_await Call(request.context, "s3", "PutPublicAccessBlock", std::move(input));
            if (!put) co_return std::unexpected(put.error());
        }
        co_return Outcome<void>();
    }
};

}  // namespace

std::unique_ptr<ResourceProvider> MakeS3Bucket(ApiCaller& caller) {
    return std::make_unique<S3Bucket>(caller);
}

}  // namespace wellhead::pipeline
