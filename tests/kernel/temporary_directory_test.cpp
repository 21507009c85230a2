// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/atomic_file.hpp"
#include "common/error.hpp"
#include "common/temporary_directory.hpp"

#include <catch2/catch.hpp>

#include <sys/stat.h>

#include <cstdlib>

using namespace flowspec;
namespace fs = std::filesystem;

TEST_CASE("a temporary directory is ours alone and leaves nothing behind") {
  fs::path path;
  {
    const TemporaryDirectory directory;
    const TemporaryDirectory other;
    path = directory.path();
    CHECK(path != other.path());
    struct stat status {};
    REQUIRE(stat(path.c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0700);
    directory.add("one", std::string(100'000, 'x'));
    directory.add("empty", "");
    CHECK(read_file(path / "one").size() == 100'000);
    CHECK(read_file(path / "empty").empty());
    CHECK_THROWS_WITH(directory.add("none/two", "x"), Catch::EndsWith("two: No such file or directory"));
  }
  CHECK_FALSE(fs::exists(path));
}

TEST_CASE("where none can be made is said") {
  const char* const before = std::getenv("TMPDIR");
  const std::string old = before == nullptr ? "" : before;
  setenv("TMPDIR", "/proc", 1);
  CHECK_THROWS_WITH(TemporaryDirectory(), Catch::StartsWith("make a directory in /proc: "));
  setenv("TMPDIR", "/nonexistent", 1);
  CHECK_THROWS_AS(TemporaryDirectory(), Error);
  if (before == nullptr)
    unsetenv("TMPDIR");
  else
    setenv("TMPDIR", old.c_str(), 1);
}
