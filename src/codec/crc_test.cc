#include "codec/crc.h"

#include <gtest/gtest.h>

namespace wellhead::codec {
namespace {

// The check values of the catalogue of parametrised CRC algorithms: the checksum of "123456789".
TEST(Crc, HasTheCatalogueCheckValues) {
    EXPECT_EQ(Crc32("123456789"), 0xcbf43926u);
    EXPECT_EQ(Crc32c("123456789"), 0xe3069283u);
    EXPECT_EQ(Crc64Nvme("123456789"), 0xae8b14860a799888u);
}

TEST(Crc, GoesOnWhereAFormerCallEnded) {
    std::string text;
    for (int i = 0; i < 100; ++i) text += static_cast<char>(i * 37);
    for (size_t cut = 0; cut <= text.size(); ++cut) {
        base::ByteView all = text;
        EXPECT_EQ(Crc32(all.substr(cut), Crc32(all.substr(0, cut))), Crc32(all));
        EXPECT_EQ(Crc32c(all.substr(cut), Crc32c(all.substr(0, cut))), Crc32c(all));
        EXPECT_EQ(Crc64Nvme(all.substr(cut), Crc64Nvme(all.substr(0, cut))), Crc64Nvme(all));
    }
}

TEST(Crc, OfTwoPartsGivesThatOfTheWhole) {
    std::string a = "the first part, ";
    std::string b(1000, 'b');
    for (size_t size : {0u, 1u, 7u, 1000u}) {
        std::string tail = b.substr(0, size);
        EXPECT_EQ(Crc32Combine(Crc32(a), Crc32(tail), size), Crc32(a + tail));
        EXPECT_EQ(Crc32cCombine(Crc32c(a), Crc32c(tail), size), Crc32c(a + tail));
        EXPECT_EQ(Crc64NvmeCombine(Crc64Nvme(a), Crc64Nvme(tail), size), Crc64Nvme(a + tail));
    }
}

}  // namespace
}  // namespace wellhead::codec
