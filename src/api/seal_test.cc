#include "api/seal.h"

#include <gtest/gtest.h>

#include "env/posix/posix.h"

namespace wellhead::api {
namespace {

TEST(Seal, OpensOnlyWithItsKeyAndPurposeAndUnchanged) {
    auto random = env::posix::MakeRandom();
    SealKey key = NewSealKey(*random);
    for (const std::string& plain : {std::string(), std::string("x"), std::string(1000, 'y')}) {
        std::string sealed = Seal(key, *random, "p", plain);
        EXPECT_EQ(Unseal(key, "p", sealed), plain);
        EXPECT_FALSE(Unseal(key, "q", sealed));
        EXPECT_FALSE(Unseal(NewSealKey(*random), "p", sealed));
        for (size_t i = 0; i < sealed.size(); i += 7) {
            std::string changed = sealed;
            changed[i] = static_cast<char>(changed[i] ^ 1);
            EXPECT_FALSE(Unseal(key, "p", changed));
        }
        EXPECT_FALSE(Unseal(key, "p", sealed.substr(0, sealed.size() - 1)));
    }
    EXPECT_FALSE(Unseal(key, "p", ""));
}

}  // namespace
}  // namespace wellhead::api
