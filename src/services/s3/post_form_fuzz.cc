#include <cstddef>
#include <cstdint>
#include <string>

#include "env/run_task.h"
#include "services/s3/post_form.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace wellhead;
    services::s3::PostForm form(api::MakeByteStream(std::string(reinterpret_cast<const char*>(data), size)), "XX");
    if (!env::RunTask(form.ReadFields()) || !form.has_file()) return 0;
    for (;;) {
        auto piece = env::RunTask(form.ReadFile());
        if (!piece || piece->empty()) return 0;
    }
}
