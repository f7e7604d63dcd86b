#include "query/object_files.h"

namespace wellhead::query {
namespace {

class StoreFiles : public ObjectFiles {
  public:
    explicit StoreFiles(storage::ObjectStore& store) : store_(store) {}

    env::Task<base::Result<ObjectFile>> Find(std::string bucket, std::string key) override {
        CO_ASSIGN_OR_RETURN(auto object, co_await store_.Get(std::move(bucket), std::move(key)));
        CO_ASSIGN_OR_RETURN(auto path, co_await object->Path());
        ObjectFile file;
        file.path = std::move(path);
        file.size_bytes = object->metadata().size_bytes;
        file.generation = object->metadata().generation;
        file.hold = std::move(object);
        co_return file;
    }

  private:
    storage::ObjectStore& store_;
};

}  // namespace

std::unique_ptr<ObjectFiles> MakeStoreFiles(storage::ObjectStore& store) { return std::make_unique<StoreFiles>(store); }

}  // namespace wellhead::query
