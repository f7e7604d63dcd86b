#pragma once
// An S3 service over memory, for the tests of its operations.

#include <gtest/gtest.h>

#include "env/posix/posix.h"
#include "env/run_task.h"
#include "services/s3/s3_service.h"
#include "storage/object_store/memory/memory_object_store.h"
#include "storage/table/memory/memory_table.h"

namespace wellhead::services::s3 {

class S3Test : public testing::Test {
  protected:
    S3Test() { Reopen(); }
    ~S3Test() override { env::RunTask(service_->Close()); }

    void Reopen() {
        if (service_) env::RunTask(service_->Close());
        S3Deps deps{*clock_, *random_, *table_, *objects_, pool_};
        service_ = env::RunTask(S3Service::Open(deps, {"123456789012", "us-east-1"})).value();
        context_.account_id = "123456789012";
        context_.caller.account_id = "123456789012";
        context_.caller.arn = "arn:aws:iam::123456789012:root";
        context_.caller.authenticated = true;
        context_.region = "us-east-1";
        context_.host = "127.0.0.1:4566";
    }

    template <class Output, class Input>
    Outcome<Output> Call(Task<Outcome<Output>> (S3Service::*operation)(const CallContext&, Input), Input input) {
        return env::RunTask((service_.get()->*operation)(context_, std::move(input)));
    }
    // "" for success, else the error's code.
    template <class T>
    static std::string CodeOf(const Outcome<T>& outcome) {
        return outcome ? "" : outcome.error().code;
    }

    void MakeBucket(const std::string& name) {
        s3::CreateBucketRequest request;
        request.Bucket = name;
        ASSERT_EQ(CodeOf(Call(&S3Service::CreateBucket, std::move(request))), "");
    }
    static s3::PutObjectRequest PutRequest(const std::string& key, const std::string& body) {
        s3::PutObjectRequest request;
        request.Bucket = "lake";
        request.Key = key;
        request.Body = api::MakeByteStream(body);
        return request;
    }
    Outcome<s3::PutObjectOutput> Put(const std::string& key, const std::string& body) {
        return Call(&S3Service::PutObject, PutRequest(key, body));
    }
    static s3::GetObjectRequest GetRequest(const std::string& key) {
        s3::GetObjectRequest request;
        request.Bucket = "lake";
        request.Key = key;
        return request;
    }
    Outcome<s3::GetObjectOutput> Get(s3::GetObjectRequest request) {
        return Call(&S3Service::GetObject, std::move(request));
    }
    static std::string ReadBody(api::StreamBody& body) {
        std::string all;
        for (;;) {
            auto piece = env::RunTask(body->Read());
            if (!piece || piece->empty()) return all;
            all += *piece;
        }
    }
    std::string BodyOf(const std::string& key) {
        auto output = Get(GetRequest(key));
        return output ? ReadBody(output->Body) : "error " + output.error().code;
    }

    std::unique_ptr<env::Clock> clock_ = env::posix::MakeClock();
    std::unique_ptr<env::Random> random_ = env::posix::MakeRandom();
    std::unique_ptr<storage::Table> table_ = storage::memory::MakeTable();
    std::unique_ptr<storage::ObjectStore> objects_ = storage::memory::MakeObjectStore(*clock_);
    env::BlockingPool pool_{"s3", 2};
    CallContext context_;
    std::unique_ptr<S3Service> service_;
};

}  // namespace wellhead::services::s3
