// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/error.hpp"
#include "common/own_prefixes.hpp"
#include "common/process.hpp"
#include "common/temporary_directory.hpp"
#include "tests/support/namespace.hpp"

#include <catch2/catch.hpp>

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

using namespace flowspec;

namespace {

/// Runs `ip` with these words.
void ip(const std::string& words) {
  std::vector<std::string> argv{"ip"};
  std::istringstream in(words);
  for (std::string word; in >> word;)
    argv.push_back(word);
  const Finished finished = run(argv);
  INFO(words << ": " << finished.err);
  REQUIRE(finished.exit_code == 0);
}

/// A cable from link0 to link1, up; 10.1.0.1/24 and 2001:db8:1::1/64 on link0.
void lay_cable() {
  std::ofstream("/proc/sys/net/ipv6/conf/default/accept_dad") << 0; // an address is there at once
  ip("link add name link0 type veth peer name link1");
  ip("link set link0 up");
  ip("link set link1 up");
  ip("address add 10.1.0.1/24 dev link0");
  ip("address add 2001:db8:1::1/64 dev link0");
}

const std::vector<std::string> of_cable{"10.1.0.0/24", "10.1.0.1/32", "2001:db8:1::/64", "2001:db8:1::1/128"};

/// What is own beside `known`.
std::vector<std::string> own_beside(const std::vector<std::string>& known) {
  std::vector<std::string> texts;
  const std::vector<Prefix> own = own_prefixes();
  REQUIRE(std::is_sorted(own.begin(), own.end()));
  REQUIRE(std::adjacent_find(own.begin(), own.end()) == own.end());
  for (const Prefix& prefix : own)
    if (std::find(known.begin(), known.end(), to_string(prefix)) == known.end())
      texts.push_back(to_string(prefix));
  REQUIRE(texts.size() + known.size() == own.size()); // all of `known` is there
  return texts;
}

/// For `ip -batch`: many routes by a gateway, as BGP has them.
void change_routes(const char* verb, const char* gateway, unsigned count) {
  const TemporaryDirectory directory;
  const std::filesystem::path name = directory.path() / "routes";
  std::ofstream file(name);
  for (unsigned route = 0; route < count; ++route)
    file << "route " << verb << " 100." << route / 256 << '.' << route % 256 << ".0/24 via " << gateway
         << '\n';
  file.close();
  const Finished finished = run({"ip", "-batch", name.string()});
  INFO(finished.err);
  REQUIRE(finished.exit_code == 0);
}

/// As long as it lives, no file can be opened.
class NoMoreFiles {
 public:
  NoMoreFiles() {
    getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit none{0, before_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &none);
  }
  ~NoMoreFiles() { setrlimit(RLIMIT_NOFILE, &before_); }
  NoMoreFiles(const NoMoreFiles&) = delete;
  NoMoreFiles& operator=(const NoMoreFiles&) = delete;

 private:
  rlimit before_{};
};

} // namespace

TEST_CASE("a machine without addresses has no own prefixes") {
  const test::NetworkNamespace network; // with 127.0.0.1/8 and ::1 on lo
  CHECK(own_prefixes().empty());
}

TEST_CASE("own prefixes are those of the addresses, and of routes that lead to a link") {
  const test::NetworkNamespace network;
  lay_cable();
  REQUIRE(own_beside(of_cable).empty()); // no fe80::/64, no ff00::/8, no 255
  struct Row {
    std::vector<std::string> commands; ///< of ip
    std::vector<std::string> own;      ///< that comes with them
  };
  const std::vector<Row> rows{
      {{"address add 10.9.0.1 peer 10.8.0.2/32 dev link0"}, {"10.8.0.2/32", "10.9.0.1/32"}},
      {{"address add 10.9.0.1 peer 10.8.0.2/24 dev link0"}, {"10.8.0.0/24", "10.9.0.1/32"}},
      {{"address add 10.255.0.1/32 dev lo"}, {"10.255.0.1/32"}}, // a router's name
      {{"address add 169.254.7.7/16 dev link0"}, {}},
      {{"address add 10.2.0.1/0 dev link0"}, {"10.2.0.1/32"}},
      {{"address add 10.3.0.1/24 dev link0", "link set link0 down"}, {"10.3.0.0/24", "10.3.0.1/32"}},
      {{"route add 10.4.0.0/16 dev link0"}, {"10.4.0.0/16"}},
      {{"route add 10.4.0.0/16 via 10.1.0.9"}, {}},
      {{"route add 10.4.0.0/16 via inet6 2001:db8:1::9 dev link0"}, {}},
      {{"route add 10.4.0.0/16 nexthop via 10.1.0.8 nexthop via 10.1.0.9"}, {}},
      {{"route add 10.4.0.0/16 nexthop via 10.1.0.8 nexthop dev link1"}, {"10.4.0.0/16"}},
      {{"nexthop add id 7 dev link0", "route add 10.4.0.0/16 nhid 7"}, {"10.4.0.0/16"}},
      {{"nexthop add id 7 via 10.1.0.9 dev link0", "route add 10.4.0.0/16 nhid 7"}, {}},
      {{"route add default dev link0"}, {}},
      {{"route add default via 10.1.0.9"}, {}},
      {{"route add blackhole 10.4.0.0/16"}, {}},
      {{"route add unreachable 10.4.0.0/16"}, {}},
      {{"route add 10.4.0.0/16 dev lo"}, {}},
      {{"route add local 10.4.0.0/16 dev lo"}, {"10.4.0.0/16"}}, // it answers for all of them
      {{"route add local 10.4.0.0/16 dev lo table 100"}, {}},    // what a rule gives to a proxy
      {{"route add 10.4.0.0/16 dev link0 table 100"}, {}},
      {{"route add 224.0.0.0/4 dev link0"}, {}},
      {{"-6 route add 2001:db8:4::/48 dev link0"}, {"2001:db8:4::/48"}},
      {{"-6 route add 2001:db8:4::/48 via 2001:db8:1::9"}, {}},
      {{"-6 route add 2001:db8:4::/48 nexthop via 2001:db8:1::8 nexthop via 2001:db8:1::9"}, {}},
      {{"-6 route add unreachable 2001:db8:4::/48"}, {}},
      {{"-6 route add default dev link0"}, {}},
      {{"-6 route add local 2001:db8:4::/48 dev lo"}, {"2001:db8:4::/48"}},
  };
  for (const Row& row : rows) {
    const test::NetworkNamespace another;
    lay_cable();
    CAPTURE(row.commands);
    for (const std::string& command : row.commands)
      ip(command);
    std::vector<std::string> known = of_cable;
    if (row.commands.back() == "link set link0 down") // IPv6 addresses go with it
      known.resize(2);
    CHECK(own_beside(known) == row.own);
  }
}

TEST_CASE("next-hop objects that the kernel does not spell out are taken for gateways") {
  const test::NetworkNamespace network;
  lay_cable();
  std::ofstream("/proc/sys/net/ipv4/nexthop_compat_mode") << 0 << std::flush;
  ip("nexthop add id 7 dev link0");
  ip("route add 10.4.0.0/16 nhid 7");
  CHECK(own_beside(of_cable).empty());
}

TEST_CASE("own prefixes are found among many routes of others") {
  const test::NetworkNamespace network;
  lay_cable();
  change_routes("add", "10.1.0.9", 20000);
  ip("route add 10.4.0.0/16 dev link0");
  CHECK(own_beside(of_cable) == std::vector<std::string>{"10.4.0.0/16"});
}

TEST_CASE("what cannot be read is no empty list") {
  const test::NetworkNamespace network;
  lay_cable();
  std::string said = "nothing";
  try {
    const NoMoreFiles limit;
    own_prefixes();
  } catch (const Error& error) {
    said = error.what();
  }
  CHECK(said == "ask the kernel for addresses and routes: Too many open files");
}

TEST_CASE("addresses that come and go while they are listed hide none of the others") {
  const test::NetworkNamespace network;
  lay_cable();
  for (int host = 1; host <= 200; ++host)
    ip("address add 10.7.0." + std::to_string(host) + "/32 dev link0");
  std::atomic<bool> stop = false;
  std::thread changing([&] { // a thread begins in the namespace of the one that made it
    for (int round = 0; !stop; ++round)
      run({"ip", "address", round % 2 == 0 ? "add" : "delete", "10.6.0.1/32", "dev", "link0"});
  });
  std::size_t least = 1000;
  for (int round = 0; round < 200; ++round)
    least = std::min(least, own_prefixes().size());
  stop = true;
  changing.join();
  CHECK(least >= of_cable.size() + 200);
}

TEST_CASE("what may change own prefixes is noticed, routes by gateways are not") {
  const test::NetworkNamespace network;
  lay_cable();
  AddressMonitor monitor;
  CHECK(monitor.changed());
  CHECK_FALSE(monitor.changed());
  for (const char* command :
       {"address add 10.6.0.1/24 dev link0", "address delete 10.6.0.1/24 dev link0",
        "address add 2001:db8:6::1/64 dev link0", "address delete 2001:db8:6::1/64 dev link0",
        "route add 10.4.0.0/16 dev link0", "route delete 10.4.0.0/16", "route add local 10.4.0.0/16 dev lo",
        "-6 route add 2001:db8:4::/48 dev link0", "-6 route delete 2001:db8:4::/48", "link set link1 down"}) {
    CAPTURE(command);
    ip(command);
    CHECK(monitor.changed());
    CHECK_FALSE(monitor.changed());
  }
  ip("link set link1 up");
  CHECK(monitor.changed());
  const std::vector<Prefix> known = own_prefixes();
  for (const char* command :
       {"route add 10.5.0.0/16 via 10.1.0.9", "route replace 10.5.0.0/16 via 10.1.0.8",
        "route delete 10.5.0.0/16", "route add 10.5.0.0/16 nexthop via 10.1.0.8 nexthop via 10.1.0.9",
        "route add 10.5.1.0/24 via inet6 2001:db8:1::9 dev link0", "route add default dev link0",
        "route add 10.5.2.0/24 dev link0 table 100", "-6 route add 2001:db8:5::/48 via 2001:db8:1::9",
        "-6 route delete 2001:db8:5::/48"}) {
    CAPTURE(command);
    ip(command);
    CHECK_FALSE(monitor.changed(&known));
  }
  change_routes("add", "10.1.0.9", 20000);
  CHECK_FALSE(monitor.changed(&known));
}

TEST_CASE("a gateway that takes over a route to a link is noticed") {
  const test::NetworkNamespace network;
  lay_cable();
  ip("route add 10.4.0.0/16 dev link0");
  ip("-6 route add 2001:db8:4::/48 dev link0");
  AddressMonitor monitor;
  CHECK(monitor.changed());
  const std::vector<Prefix> known = own_prefixes();
  ip("route add 10.5.0.0/16 via 10.1.0.9");
  ip("route replace 10.5.0.0/16 via 10.1.0.8");
  CHECK_FALSE(monitor.changed(&known));
  ip("route replace 10.5.0.0/16 via 10.1.0.9");
  CHECK(monitor.changed()); // who does not say what was known has to look
  SECTION("IPv4") {
    ip("route replace 10.4.0.0/16 via 10.1.0.9");
  }
  SECTION("IPv6") {
    ip("-6 route replace 2001:db8:4::/48 via 2001:db8:1::9");
  }
  SECTION("nothing is reached any more") {
    ip("route replace blackhole 10.4.0.0/16");
  }
  CHECK(monitor.changed(&known));
}

TEST_CASE("what may have been lost counts as a change") {
  const test::NetworkNamespace network;
  lay_cable();
  AddressMonitor monitor;
  CHECK(monitor.changed());
  const std::vector<Prefix> known = own_prefixes();
  change_routes("add", "10.1.0.9", 40000);
  CHECK_FALSE(monitor.changed(&known));
  change_routes("replace", "10.1.0.8", 40000); // more than a socket holds; none of them matters by itself
  CHECK(monitor.changed(&known));
  CHECK_FALSE(monitor.changed(&known));
}

TEST_CASE("a monitor stays with the network where it was made") {
  const test::NetworkNamespace network;
  lay_cable();
  AddressMonitor monitor;
  CHECK(monitor.changed());
  {
    const test::NetworkNamespace another;
    lay_cable();
    CHECK_FALSE(monitor.changed());
  }
  ip("address add 10.6.0.1/24 dev link0");
  CHECK(monitor.changed());
}
