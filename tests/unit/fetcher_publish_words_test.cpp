// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/error.hpp"
#include "fetcher/publish_words.hpp"

#include <catch2/catch.hpp>

using namespace flowspec;

using Side = InterfaceTarget::Side;

TEST_CASE("a route target for an interface, or for one side of it") {
  const auto [text, expected] = GENERATE(table<std::string, InterfaceTarget>({
      {"eth0=65000:1", {"eth0", Side::either, "65000:1"}},
      {"in:eth0=65000:1", {"eth0", Side::in, "65000:1"}},
      {"out:eth+=0:4294967295", {"eth+", Side::out, "0:4294967295"}},
      {"in=65534:007", {"in", Side::either, "65534:7"}},
      {"a=b=1:2", {"a=b", Side::either, "1:2"}},
      {"fifteen.letters=1:2", {"fifteen.letters", Side::either, "1:2"}},
  }));
  CHECK(interface_target(text) == expected);
}

TEST_CASE("what is no interface, or no route target of two octets and four, is refused") {
  const auto text =
      GENERATE(as<std::string>(), "", "eth0", "=65000:1", "in:=65000:1", "in:eth0", "eth0=", "eth0=65000",
               "eth0=65000:", "eth0=:1", "eth0=65536:1", "eth0=1:4294967296", "eth0=-1:1", "eth0=1:+1",
               "eth0=1:1:1", "eth0= 1:1", "eth0=1.2.3.4:1", "sixteen-letters0=1:1", "eth 0=1:1", "eth/0=1:1",
               "both:eth0=1:1", ".=1:1");
  CHECK_THROWS_AS(interface_target(text), UsageError);
}

TEST_CASE("a refusal names the value") {
  CHECK_THROWS_WITH(interface_target("in:eth0=65536:1"),
                    "--interface-rt in:eth0=65536:1: a route target is ASN:N, ASN up to 65535 and N up to "
                    "4294967295; it is [in:|out:]IFACE=ASN:N, like in:eth0=65000:1");
}

TEST_CASE("a side of an interface has one route target, and none is a sequence number") {
  const SequenceCarrier carrier; // rt:65535
  const InterfaceTarget in{"eth0", Side::in, "65000:1"};
  const InterfaceTarget out{"eth0", Side::out, "65000:1"};
  CHECK_NOTHROW(check({in, out, {"eth1", Side::in, "65000:1"}, {"eth0", Side::either, "65000:2"}}, carrier));
  CHECK_THROWS_WITH(check({in, {"eth+", Side::either, "65000:2"}}, carrier),
                    "--interface-rt: eth0 and eth+ name some of the same interfaces");
  CHECK_NOTHROW(check({in, {"eth+", Side::out, "65000:2"}, {"br+", Side::in, "65000:3"}}, carrier));
  CHECK_THROWS_WITH(check({in, out, {"eth0", Side::in, "65000:2"}}, carrier),
                    "--interface-rt: this side of eth0 has a route target already");
  const InterfaceTarget reserved{"eth0", Side::in, "65535:1"};
  CHECK_THROWS_WITH(check({reserved}, carrier),
                    "--interface-rt eth0=65535:1: --sequence rt:65535 keeps that ASN for sequence numbers");
  CHECK_NOTHROW(check({reserved}, {SequenceCarrier::Kind::route_target, 64512}));
  CHECK_NOTHROW(check({reserved}, {SequenceCarrier::Kind::marking, 0}));
}

TEST_CASE("from FRR 10.7 on no route may begin with another's bytes") {
  for (const char* version : {"7.5", "8.4", "8.4.4", "9.99", "10.6", "10.6.1"})
    CHECK_FALSE(loses_common_beginnings(version));
  for (const char* version : {"10.7", "10.7.0", "10.10", "11.0", "11.0.3"})
    CHECK(loses_common_beginnings(version));
  for (const char* nonsense : {"", "10", "10.", "10.7.", ".7", "10.7.0.1", "ten", "10.x", "10.7-dev", "10,7",
                               " 10.7", "10..7", "-1.0", "99999.1"})
    CHECK_THROWS_AS(loses_common_beginnings(nonsense), UsageError);
}
