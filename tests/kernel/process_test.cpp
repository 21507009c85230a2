// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/error.hpp"
#include "common/process.hpp"

#include <catch2/catch.hpp>

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <thread>

using namespace flowspec;
using namespace std::chrono_literals;

namespace {

Finished shell(const std::string& script, const Limits& limits = {}) {
  return run({"sh", "-c", script}, limits);
}

std::size_t open_descriptors() {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                                                std::filesystem::directory_iterator()));
}

/// A killed process may be a zombie for a moment until init reaps it.
bool gone(pid_t pid) {
  for (int tries = 0; tries < 200; ++tries, std::this_thread::sleep_for(10ms)) {
    std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
    std::string id;
    std::string name;
    std::string state;
    if (!(stat >> id >> name >> state) || state == "Z")
      return true;
  }
  return false;
}

/// The most that this process has ever had in memory, in bytes.
std::size_t most_memory() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::size_t>(usage.ru_maxrss) * 1024;
}

struct TemporaryFile {
  std::string path = std::filesystem::temp_directory_path() / ("process." + std::to_string(getpid()));
  ~TemporaryFile() { unlink(path.c_str()); }
};

} // namespace

TEST_CASE("the exit code, standard output and standard error come apart") {
  const Finished finished = shell("echo out; echo err >&2; exit 7");
  CHECK(finished.exit_code == 7);
  CHECK(finished.out == "out\n");
  CHECK(finished.err == "err\n");
  CHECK(run({"true"}).exit_code == 0);
  CHECK(shell("kill -TERM $$").exit_code == 128 + SIGTERM);
}

TEST_CASE("arguments are passed as they are and standard input is empty") {
  CHECK(run({"printf", "%s|", "a b", "$HOME", "", "'\"\\"}).out == "a b|$HOME||'\"\\|");
  CHECK(shell("cat; echo done").out == "done\n");
}

TEST_CASE("much output on both pipes at once is drained while the program runs") {
  const Finished finished = shell("head -c 20000000 /dev/zero & head -c 20000000 /dev/zero >&2; wait");
  CHECK(finished.out.size() == 20'000'000);
  CHECK(finished.err.size() == 1U << 20); // for a person: the rest is let go
}

TEST_CASE("more than the limit on standard output is an error") {
  CHECK(shell("printf 12345", {.time = 10s, .out_bytes = 5}).out == "12345");
  CHECK_THROWS_WITH(shell("yes", {.time = 10s, .out_bytes = 5}),
                    Catch::Equals("run sh -c yes: more than 5 bytes on standard output"));
}

TEST_CASE("a program that prints without an end takes no more memory than was allowed") {
  const std::size_t limit = 20'000'000;
  const std::size_t before = most_memory();
  CHECK_THROWS_WITH(
      run({"head", "-c", "1000000000", "/dev/zero"}, {.time = 60s, .out_bytes = limit}),
      Catch::Equals("run head -c 1000000000 /dev/zero: more than 20000000 bytes on standard output"));
  // Twice what is kept, as a growing string is copied; and again so much that AddressSanitizer does not
  // reuse.
  CHECK(most_memory() - before < 5 * limit);
  CHECK(Limits().out_bytes == 256U << 20);
}

TEST_CASE("a program that cannot be started is an error with the cause") {
  CHECK_THROWS_WITH(run({"/usr/bin/nonesuch", "-c", "x"}),
                    Catch::Equals("run /usr/bin/nonesuch -c x: No such file or directory"));
  CHECK_THROWS_WITH(run({"nonesuch"}), Catch::Equals("run nonesuch: No such file or directory"));
  CHECK_THROWS_WITH(run({"/etc/passwd"}), Catch::Equals("run /etc/passwd: Permission denied"));
  CHECK_THROWS_AS(run({}), Error);
}

TEST_CASE("a program that outlives the limit is killed with all its children") {
  const TemporaryFile pids;
  const Limits limits{.time = 1s};
  std::string script;
  SECTION("it hangs") {
    script = "echo $$ >>" + pids.path + "; exec sleep 100";
  }
  SECTION("it ignores signals") {
    script = "trap '' TERM; echo $$ >>" + pids.path + "; while :; do sleep 100; done";
  }
  SECTION("it ended, but a child of its own holds the pipe") {
    script = "sleep 100 & echo $! >>" + pids.path + "; exit 0";
  }
  SECTION("it closed its pipes and runs on") {
    script = "exec >/dev/null 2>&1; echo $$ >>" + pids.path + "; exec sleep 100";
  }
  const auto start = std::chrono::steady_clock::now();
  CHECK_THROWS_WITH(shell(script, limits), Catch::EndsWith(": no answer within 1 s"));
  CHECK(std::chrono::steady_clock::now() - start < 5s);
  pid_t pid = 0;
  REQUIRE(std::ifstream(pids.path) >> pid);
  CHECK(gone(pid));
}

TEST_CASE("no descriptor stays open, and none of ours reaches the child") {
  const std::size_t before = open_descriptors();
  for (int i = 0; i < 100; ++i)
    run({"true"});
  for (int i = 0; i < 20; ++i)
    CHECK_THROWS_AS(run({"nonesuch"}), Error);
  CHECK_THROWS_AS(shell("sleep 100", {.time = 10ms}), Error);
  CHECK(open_descriptors() == before);
  // What the test was started with, and in both counts the directory that is being listed.
  const std::string seen = run({"ls", "/proc/self/fd"}).out;
  CHECK(static_cast<std::size_t>(std::ranges::count(seen, '\n')) <= before);
}

TEST_CASE("a child does not inherit what its parent ignores or blocks") {
  sigset_t blocked;
  sigset_t old;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &blocked, &old);
  auto* const handler = signal(SIGPIPE, SIG_IGN);
  CHECK(shell("kill -TERM $$; echo alive").exit_code == 128 + SIGTERM);
  CHECK(shell("kill -PIPE $$; echo alive").exit_code == 128 + SIGPIPE);
  pthread_sigmask(SIG_SETMASK, &old, nullptr);
  static_cast<void>(signal(SIGPIPE, handler));
}
