#include "collector/container/descriptors.h"

#include <gtest/gtest.h>

#include <array>
#include <filesystem>

#include "base/temporary_directory.h"

namespace hinomi {
namespace {

TEST(Descriptors, CountsThoseOfAllProcessesThatAreThere) {
  const TemporaryDirectory directory;
  const auto link = [&](const std::string& process, const std::string& name,
                        const std::string& target) {
    const std::filesystem::path path = directory / ("proc/" + process + "/fd");
    std::filesystem::create_directories(path);
    std::filesystem::create_symlink(target, path / name);
  };
  link("7", "0", "/dev/null");
  link("7", "1", "pipe:[11]");
  link("7", "2", "socket:[12]");
  link("8", "0", "socket:[13]");
  link("9", "0", "socket:[14]");  // another container's
  const Host host(directory.path());
  const auto counts = CountDescriptors(host, std::array<uint32_t, 3>{7, 8, 10});
  ASSERT_TRUE(counts);
  EXPECT_EQ(counts->descriptors, 4u);
  EXPECT_EQ(counts->sockets, 2u);
  EXPECT_FALSE(CountDescriptors(host, std::array<uint32_t, 1>{10}));
  EXPECT_FALSE(CountDescriptors(host, {}));
}

}  // namespace
}  // namespace hinomi
