// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/error.hpp"
#include "common/process.hpp"
#include "common/xtables_lock.hpp"

#include <catch2/catch.hpp>

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <thread>

using namespace flowspec;
using namespace std::chrono_literals;

namespace {

/// $XTABLES_LOCKFILE, for as long as it lives.
class LockFile {
 public:
  explicit LockFile(std::string path) : path_(std::move(path)) {
    setenv("XTABLES_LOCKFILE", path_.c_str(), 1);
  }
  LockFile() : LockFile(std::filesystem::temp_directory_path() / ("lock." + std::to_string(getpid()))) {}
  ~LockFile() {
    unsetenv("XTABLES_LOCKFILE");
    unlink(path_.c_str());
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

} // namespace

TEST_CASE("the lock file is iptables' own, or the one that XTABLES_LOCKFILE names") {
  CHECK(XtablesLock::path() == "/run/xtables.lock");
  const LockFile file;
  CHECK(XtablesLock::path() == file.path());
  setenv("XTABLES_LOCKFILE", "", 1);
  CHECK(XtablesLock::path() == "/run/xtables.lock");
}

TEST_CASE("a second holder waits for the first, and no longer than it was told to") {
  const LockFile file;
  std::optional<XtablesLock> first(std::in_place, 0ms);
  const auto start = std::chrono::steady_clock::now();
  CHECK_THROWS_WITH(XtablesLock(100ms),
                    Catch::StartsWith("lock " + file.path() + ": held for more than 0.1 s by"));
  CHECK(std::chrono::steady_clock::now() - start >= 100ms);

  std::thread other([&] {
    std::this_thread::sleep_for(100ms);
    first.reset();
  });
  CHECK_NOTHROW(XtablesLock(10s));
  other.join();
  CHECK_NOTHROW(XtablesLock(0ms));
  CHECK(std::filesystem::exists(file.path()));
}

TEST_CASE("iptables waits for our lock, and we for its") {
  const LockFile file;
  const XtablesLock lock(0ms);
  // util-linux' flock holds it as iptables does, without touching a table of this host.
  CHECK(run({"flock", "-n", file.path(), "true"}).exit_code == 1);
}

TEST_CASE("a lock file that cannot be opened is an error with the cause") {
  const LockFile file("/nonesuch/xtables.lock");
  CHECK_THROWS_WITH(XtablesLock(0ms),
                    Catch::Equals("open the lock /nonesuch/xtables.lock: No such file or directory"));
}
