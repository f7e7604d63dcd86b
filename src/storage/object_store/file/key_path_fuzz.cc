// Any path either is refused or is exactly what its key encodes to.

#include "base/check.h"
#include "storage/object_store/file/key_path.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace wellhead::storage::file;
    wellhead::base::ByteView bytes(reinterpret_cast<const char*>(data), size);
    auto name = ObjectOfPath(bytes);
    if (name) CHECK(PathOfObject(name->key, name->generation) == bytes);
    auto back = ObjectOfPath(PathOfObject(bytes, size));
    CHECK(back && back->key == bytes);
    return 0;
}
