// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/pass_memory.hpp"

#include <catch2/catch.hpp>

using namespace flowspec;
using namespace std::chrono_literals;

namespace {

/// A disk in memory, and one process that uses it.
struct FakeDisk {
  State state;
  std::string texts = "[old]";
  std::string staged;
  bool full = false;
  OffDisk off_disk;
  std::vector<Failure> failures;

  StateAccess access() {
    return {[this] { return state; }, [this](State& into) { into.families[Family::ipv4].routes = texts; },
            [this](const State& from, bool with_texts) {
              if (full)
                throw Error("write the state: No space left on device");
              state = from;
              if (with_texts)
                texts = staged.empty() ? std::string(state.families[Family::ipv4].routes) : staged;
              staged.clear();
              state.families[Family::ipv4].routes = {};
            },
            [this](const State& from) { staged = std::string(from.families.at(Family::ipv4).routes); }};
  }
};

/// A pass that read routes at `when`, FRR's text of which is `text`.
void learn(PassMemory& memory, Instant when, const std::string& text) {
  memory.texts_are_old();
  memory.now().families[Family::ipv4].polled = when;
  memory.now().families[Family::ipv4].routes = text;
}

} // namespace

TEST_CASE("texts are due when they are new, and when another process has written its own") {
  FakeDisk disk;
  const StateAccess access = disk.access();
  PassMemory first(access, disk.off_disk, disk.failures, true);
  first.load();
  CHECK_FALSE(first.texts_due());
  learn(first, 1s, "[first]");
  first.save_at_end();
  CHECK(disk.texts == "[first]");

  PassMemory second(access, disk.off_disk, disk.failures, true);
  second.load();
  CHECK_FALSE(second.texts_due());
  second.save_at_end();

  disk.state.families[Family::ipv4].polled = 2s;
  PassMemory third(access, disk.off_disk, disk.failures, true);
  third.load();
  CHECK(third.texts_due());
}

TEST_CASE("before the commit the disk has what was known of the routes, and the marks of both rules") {
  FakeDisk disk;
  disk.state.families[Family::ipv4].table_version = 7;
  const StateAccess access = disk.access();
  PassMemory memory(access, disk.off_disk, disk.failures, true);
  memory.load();
  memory.now().families[Family::ipv4].table_version = 8;
  memory.now().marks = {{Family::ipv4, "filter", {"before", "after"}}};
  memory.save_before_commit();
  CHECK(disk.state.families[Family::ipv4].table_version == 7);
  CHECK(disk.state.marks == memory.now().marks);
  CHECK(disk.texts == "[old]");
  memory.save_at_end();
  CHECK(disk.state.families[Family::ipv4].table_version == 8);
}

TEST_CASE("a pass that fails leaves what was known before, but for what it was refused") {
  for (const bool refused : {false, true}) {
    FakeDisk disk;
    disk.state.families[Family::ipv4].table_version = 7;
    disk.off_disk.missed["lock"] = 2;
    const StateAccess access = disk.access();
    PassMemory memory(access, disk.off_disk, disk.failures, true);
    memory.load();
    learn(memory, 1s, "[new]");
    memory.now().families[Family::ipv4].table_version = 8;
    memory.note({Family::ipv4, Cause::refused, "too many"});
    memory.save_failed("too many", 1234, refused);
    CHECK(disk.state.families[Family::ipv4].table_version == (refused ? 8 : 7));
    CHECK(disk.texts == (refused ? "[new]" : "[old]"));
    CHECK((disk.state.last_failure == "too many" && disk.state.last_pass == 1234));
    CHECK(disk.state.totals.failures == std::map<std::string, std::uint64_t>{{"lock", 2}, {"refused", 1}});
  }
}

TEST_CASE("what the disk does not take is what the next pass begins with, as long as its texts are there") {
  for (const bool released : {false, true}) {
    FakeDisk disk;
    disk.state.families[Family::ipv4].polled = 500ms;
    const StateAccess access = disk.access();
    {
      PassMemory memory(access, disk.off_disk, disk.failures, true);
      memory.load();
      learn(memory, 1s, "[new]");
      memory.stage_texts();
      memory.wait();
      CHECK(disk.staged == "[new]");
      if (released)
        memory.release_texts();
      CHECK(memory.has_texts() == !released);
      disk.full = true;
      memory.save_at_end();
      memory.save_at_end();
    }
    REQUIRE(disk.failures.size() == 1); // said once
    CHECK(disk.failures[0].cause == Cause::state);
    disk.full = false;
    disk.staged.clear(); // another process takes them for what a killed one left
    PassMemory next(access, disk.off_disk, disk.failures, true);
    next.load();
    CHECK(next.now().families[Family::ipv4].polled == (released ? 500ms : 1s));
    CHECK(next.texts_due());
    next.load_texts();
    next.save_at_end();
    CHECK(disk.texts == (released ? "[old]" : "[new]"));
  }
}

TEST_CASE("texts that are staged take their place with the state, and need no memory until then") {
  FakeDisk disk;
  const StateAccess access = disk.access();
  PassMemory memory(access, disk.off_disk, disk.failures, true);
  memory.load();
  learn(memory, 1s, "[new]");
  memory.stage_texts();
  memory.release_texts();
  CHECK_FALSE(memory.has_texts());
  CHECK(disk.texts == "[old]");
  memory.save_at_end();
  CHECK(disk.texts == "[new]");
}

TEST_CASE("a state that cannot be read stops the passes that keep one") {
  FakeDisk disk;
  StateAccess access = disk.access();
  access.load = []() -> State { throw Error("open the state: Input/output error"); };
  PassMemory keeping(access, disk.off_disk, disk.failures, true);
  CHECK_THROWS_AS(keeping.load(), PassFailed);
  PassMemory looking(access, disk.off_disk, disk.failures, false);
  looking.load();
  CHECK(disk.failures.size() == 1);
  access.load = []() -> State { throw Damaged("read the state: not one JSON object"); };
  PassMemory anew(access, disk.off_disk, disk.failures, true);
  anew.load();
  CHECK(anew.families_before().empty());
  CHECK(disk.failures.back().why == "read the state: not one JSON object; it is begun anew");
}
