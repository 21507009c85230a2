// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/error.hpp"
#include "injector/opened_tables.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <future>
#include <mutex>
#include <set>

using namespace flowspec;

namespace {

/// Tables that tell how they were read, and can be told to fail.
class FakeTables {
 public:
  std::set<std::pair<Family, std::string>> used{{Family::ipv4, "filter"}};
  std::set<std::pair<Family, std::string>> broken;

  TableAccess access() {
    return {[this](Family family, const std::string& table) {
              return used.contains({family, table});
            },
            [this](Family family, const std::string& table) { return read("look", family, table); },
            [this](Family family, const std::string& table) {
              return OpenTable{read("open", family, table), [this](const std::vector<Edit>&) { ++commits; }};
            }};
  }
  std::vector<std::string> reads() {
    const std::scoped_lock guard(mutex_);
    return reads_;
  }
  int commits = 0;

 private:
  Ruleset read(const std::string& how, Family family, const std::string& table) {
    const std::scoped_lock guard(mutex_);
    reads_.push_back(how + " " + std::string(name(family)) + " " + table);
    if (broken.contains({family, table}))
      throw Error("no " + table);
    return {family, table, {{"FORWARD", Verdict::accept, {}}}};
  }

  std::mutex mutex_;
  std::vector<std::string> reads_;
};

using Reads = std::vector<std::string>;

} // namespace

TEST_CASE("a table is read once, and one that nobody uses is not") {
  FakeTables fake;
  const TableAccess access = fake.access();
  OpenedTables tables(access);
  SECTION("when it is asked for") {}
  SECTION("before that") {
    tables.begin(Family::ipv4, false);
    tables.begin(Family::ipv4, false);
    tables.begin(Family::ipv6, false);
  }
  const Ruleset* filter = tables.look(Family::ipv4, "filter");
  REQUIRE(filter != nullptr);
  CHECK(filter->chains.size() == 1);
  CHECK(tables.look(Family::ipv4, "filter") == filter);
  CHECK(tables.look(Family::ipv4, "mangle") == nullptr);
  CHECK(tables.look(Family::ipv6, "filter") == nullptr);
  CHECK(fake.reads() == Reads{"look ipv4 filter"});
  CHECK_FALSE(tables.take_commit(Family::ipv4, "filter"));
}

TEST_CASE("a table that is to be changed comes with its commit, once") {
  FakeTables fake;
  fake.used.insert({Family::ipv4, "mangle"});
  fake.used.insert({Family::ipv6, "filter"});
  const TableAccess access = fake.access();
  OpenedTables tables(access);
  tables.begin(Family::ipv4, true);
  tables.begin(Family::ipv6, false);
  REQUIRE(tables.look(Family::ipv6, "filter") != nullptr);
  REQUIRE(tables.look(Family::ipv4, "filter") != nullptr);
  CHECK(fake.reads() == Reads{"open ipv4 filter", "open ipv4 mangle", "look ipv6 filter"});
  const auto commit = tables.take_commit(Family::ipv4, "filter");
  REQUIRE(commit);
  commit({});
  CHECK(fake.commits == 1);
  CHECK_FALSE(tables.take_commit(Family::ipv4, "filter"));
  tables.forget_rules();
  CHECK(tables.look(Family::ipv4, "filter")->chains.empty());
  CHECK(fake.reads().size() == 3);
}

TEST_CASE("a reading is coming until it has ended") {
  FakeTables fake;
  TableAccess access = fake.access();
  std::promise<void> gate;
  access.look = [&gate](Family family, const std::string& table) {
    gate.get_future().wait();
    return Ruleset{family, table, {}};
  };
  OpenedTables tables(access);
  CHECK_FALSE(tables.coming());
  tables.begin(Family::ipv4, false);
  CHECK(tables.coming());
  gate.set_value();
  tables.look(Family::ipv4, "filter");
  CHECK_FALSE(tables.coming());
}

TEST_CASE("what reading a table threw is thrown to whoever asks for that table") {
  FakeTables fake;
  fake.used.insert({Family::ipv4, "mangle"});
  fake.broken.insert({Family::ipv4, "mangle"});
  const TableAccess access = fake.access();
  OpenedTables tables(access);
  tables.begin(Family::ipv4, true);
  CHECK(tables.look(Family::ipv4, "filter") != nullptr);
  CHECK_THROWS_WITH(tables.look(Family::ipv4, "mangle"), "no mangle");
  CHECK_THROWS_WITH(tables.look(Family::ipv4, "mangle"), "no mangle");
  CHECK_FALSE(tables.take_commit(Family::ipv4, "mangle"));
}

TEST_CASE("a reading that nobody waits for ends with the tables") {
  FakeTables fake;
  const TableAccess access = fake.access();
  { OpenedTables(access).begin(Family::ipv4, true); }
  CHECK(fake.reads() == Reads{"open ipv4 filter"});
}
