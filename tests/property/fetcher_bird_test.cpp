// SPDX-License-Identifier: GPL-2.0-or-later
//
// BIRD's own parser on what the fetcher writes.
#include "common/process.hpp"
#include "fetcher/bird_config.hpp"
#include "fetcher/bird_route.hpp"
#include "tests/support/generate.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace flowspec;

namespace {

/// A directory that goes when this does.
class Directory {
 public:
  Directory() {
    std::string name = (std::filesystem::temp_directory_path() / "flowspec-bird-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Directory() { std::filesystem::remove_all(path_); }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

/// What `bird -p` says of `text` in a configuration that has the tables.
Finished bird_parses(const std::string& text) {
  const Directory directory;
  const std::filesystem::path path = directory / "bird.conf";
  std::ofstream(path, std::ios::binary)
      << "router id 192.0.2.1;\nflow4 table flowtab4;\nflow6 table flowtab6;\n"
      << text;
  return run({"bird", "-p", "-c", path.string()});
}

Route random_route(generate::Random& random) {
  const Family family = generate::chance(random, 50) ? Family::ipv4 : Family::ipv6;
  Route route{generate::entry(random, family, {.every_component = true}), ""};
  for (std::uint32_t left = generate::number(random, 0, 60); left > 0; --left)
    route.origin += static_cast<char>(generate::number(random, 0, 255));
  return route;
}

} // namespace

TEST_CASE("BIRD takes every route that is written, whatever its rule says") {
  generate::Random random(generate::seed());
  INFO("seed " << generate::seed());
  using Kind = SequenceCarrier::Kind;
  for (const SequenceCarrier carrier :
       {SequenceCarrier{}, SequenceCarrier{Kind::marking, 0}, SequenceCarrier{Kind::none, 0}}) {
    std::vector<Route> routes;
    std::size_t refused = 0;
    while (routes.size() < 1000) {
      Route route = random_route(random);
      try {
        bird_route(route.entry, carrier);
        routes.push_back(std::move(route));
      } catch (const std::invalid_argument&) {
        ++refused;
      }
    }
    CHECK(refused < routes.size());
    const std::string config = bird_config(routes, {}, carrier);
    CHECK(std::ranges::count(config, '\n') == 10 + static_cast<std::ptrdiff_t>(routes.size()));
    const Finished bird = bird_parses(config);
    CHECK(bird.err == "");
    CHECK(bird.exit_code == 0);
  }
}

TEST_CASE("BIRD takes the configuration for each of the rule sets in the data") {
  for (const auto& file :
       std::filesystem::directory_iterator(std::filesystem::path(FLOWSPEC_TEST_DATA) / "rules")) {
    if (file.path().extension() != ".conf")
      continue;
    INFO(file.path());
    std::ifstream stream(file.path(), std::ios::binary);
    const Finished bird = bird_parses(std::string(std::istreambuf_iterator<char>(stream), {}));
    CHECK(bird.err == "");
    CHECK(bird.exit_code == 0);
  }
}

TEST_CASE("BIRD takes every name that is taken here") {
  const BirdNames names{
      .flow4_table = "_" + std::string(62, 'Q'), .flow6_table = "T6", .protocol = std::string(62, 'x')};
  REQUIRE_NOTHROW(check(names));
  Route route;
  route.entry.match.destination = Prefix::any(Family::ipv4);
  const Finished bird =
      bird_parses("flow4 table " + names.flow4_table + ";\n" + bird_config(std::span(&route, 1), names, {}));
  CHECK(bird.err == "");
  CHECK(bird.exit_code == 0);
}
