// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/frr_actions.hpp"
#include "injector/frr_communities.hpp"
#include "tests/support/files.hpp"

#include <catch2/catch.hpp>

#include <set>

using namespace flowspec;

namespace {

const SequenceCarrier by_target{};
const SequenceCarrier by_marking{SequenceCarrier::Kind::marking, 0};
const SequenceCarrier no_carrier{SequenceCarrier::Kind::none, 0};

/// The actions in words with the sequence number, or the reason why they cannot be told.
std::string read(const std::string& list, const SequenceCarrier& carrier = by_target,
                 const std::string& list6 = "") {
  const auto result = read_actions(list, list6, carrier);
  if (const auto* rejected = std::get_if<Rejected>(&result))
    return std::string(name(rejected->reason));
  const auto& asked = std::get<Asked>(result);
  std::string text = to_string(asked.actions);
  if (asked.sequence)
    text += " #" + std::to_string(*asked.sequence);
  for (const std::string_view target : asked.route_targets)
    text.append(" rt ").append(target);
  for (const Rejected& remark : asked.remarks)
    text += " (" + std::string(name(remark.reason)) + ")";
  return text;
}

/// How many there are; none when something in it is not known.
std::optional<std::size_t> communities_in(const std::string& list) {
  CommunityList communities(list);
  std::size_t count = 0;
  while (communities.next())
    ++count;
  return communities.understood() ? std::optional(count) : std::nullopt;
}

} // namespace

TEST_CASE("rates: none accepts; zero, negative and not-a-number discard") {
  struct Row {
    const char* list;
    const char* actions;
  };
  for (const Row& row :
       {Row{"", "accept"}, Row{"FS:rate 0.000000", "discard"}, Row{"FS:rate -1.000000", "discard"},
        Row{"FS:rate -0.466936", "discard"}, Row{"FS:rate nan", "discard"}, Row{"FS:rate -nan", "discard"},
        Row{"FS:rate -inf", "discard"}, Row{"FS:rate inf", "rate inf B/s"},
        Row{"FS:rate 125000.000000", "rate 125000 B/s"}, Row{"FS:rate 0.100000", "rate 0.1 B/s"},
        Row{"FS:rate 2.000000 FS:rate 1.000000", "rate 1 B/s (conflicting-actions)"}}) {
    CAPTURE(row.list);
    CHECK(read(row.list) == row.actions);
  }
}

TEST_CASE("sequence numbers by the reserved route target") {
  CHECK(read("65535:7 FS:rate 0.000000") == "discard #7");
  CHECK(read("65000:101 65535:4294967295") == "accept #4294967295 rt 65000:101");
  CHECK(read("65535:7 65535:7") == "accept #7");
  CHECK(read("65535:7 65535:8") == "ambiguous-sequence");
  CHECK(read("65535:7", no_carrier) == "accept rt 65535:7");
  CHECK(read("65535:7", {SequenceCarrier::Kind::route_target, 6553}) == "accept rt 65535:7");
  CHECK(read("1.2.3.4:7") == "accept rt 1.2.3.4:7");
  CHECK(read("", by_target, "65535:7") == "accept"); // pieces of an IPv6 community, not a number
}

TEST_CASE("sequence numbers by marking, the paper's way") {
  CHECK(read("FS:rate 0.000000 FS:marking 20", by_marking) == "discard #20");
  CHECK(read("FS:marking 46") == "accept, mark dscp 46");
  CHECK(read("FS:marking 255") == "accept, mark dscp 63"); // the six least significant bits
  CHECK(read("65535:7 FS:marking 20", by_marking) == "accept #20 rt 65535:7");
}

TEST_CASE("what FRR hides is refused when it could change the verdict") {
  CHECK(read("FS:action eval stops") == "unreadable-action");
  CHECK(read("FS:rate 1000.000000 FS:action terminate (apply), sample") == "unreadable-action");
  CHECK(read("FS:rate 0.000000 FS:action eval stops") == "discard (hidden-action-bits)");
  CHECK(read("FS:marking 10 UNK:128, 12") == "unreadable-action");
  CHECK(read("FS:rate 0.000000 UNK:128, 12") == "unreadable-action");
  CHECK(read("UNK:192, 6") == "unreadable-action");
  CHECK(read("UNK:130, 0") == "unreadable-action");
  CHECK(read("UNK:7, 2") == "unreadable-action"); // an interface set narrows where the route applies
  CHECK(read("UNK:71, 2") == "unreadable-action");
  for (const char* redirect : {"UNK:8, 1", "UNK:9, 0", "UNK:11, 0", "UNK:72, 0", "UNK:65, 12"}) {
    CAPTURE(redirect);
    CHECK(read(redirect) == "unreadable-action");
  }
  CHECK(read("UNK:65, 11") == "accept");
  CHECK(read("UNK:3, 11") == "accept");
  CHECK(read("UNK:136, 6") == "accept");
  CHECK(read("1:2", by_target, "8193:230162432 UNK:0, 13") == "unreadable-action");
  CHECK(read("FS:rate 0.000000 quux") == "unreadable-action");
  CHECK(read("FS:rate fast") == "unreadable-action");
}

TEST_CASE("redirects are told by name") {
  CHECK(read("FS:redirect VRF RT:100:101") == "accept, redirect 100:101");
  // FRR cuts most targets to 15 characters with their "RT:"; what is discarded goes nowhere.
  CHECK(read("FS:redirect VRF RT:65002:400000") == "unreadable-action");
  CHECK(read("FS:redirect VRF RT:65002:40000") == "accept, redirect 65002:40000");
  CHECK(read("FS:redirect VRF RT:65002:4000000000") ==
        "accept, redirect 65002:4000000000"); // of another type
  CHECK(read("FS:redirect VRF RT:65002:400000 FS:rate 0.000000") == "discard, redirect 65002:400000");
  CHECK(read("FS:redirect VRF RT:1:1 FS:redirect VRF RT:1:2") == "unreadable-action");
  CHECK(read("", by_target, "FS:redirect VRF RT:2001:db8::1:100") == "unreadable-action");
  CHECK(read("FS:redirect VRF  FS:rate 0.000000") == "discard, [FS:redirect VRF ]");
  CHECK(read("NH:10.0.0.1:0") == "accept, [NH:10.0.0.1:0]");
  CHECK(read("FS:redirect IP 0x34") == "accept, [FS:redirect IP 0x34]");
}

TEST_CASE("communities with spaces are one community, and do not swallow their neighbours") {
  for (const char* other :
       {"LB:57005:0 (0 bps)", "LB:0:0 ()", "DF: (alg: 222, bmap: 0xadbe pref: 4660)",
        "DF: (alg: 2, pref: 4660)", "Default Gateway", "ND:Router Flag", "MM:12, sticky MAC",
        "L2: P flag:Y, B Flag N, C word Y, MTU 1500", "L2: Cflags PB, MTU 1500", "ESI-label-Rt:AA",
        "Rmac:de:ad:be:ef:12:34", "Color:01:-5", "OVS:not-found", "ES-Import-Rt:de:ad:be:ef:12:34",
        "NT:1.2.3.4", "upa:1.2.3.4:no-drop", "ET:4660", "ND:Proxy"}) {
    CAPTURE(other);
    CHECK(read(std::string(other) + " FS:rate 0.000000") == "discard");
    CHECK(read("FS:rate 0.000000  " + std::string(other)) == "discard"); // an empty one between
    CHECK(communities_in(other) == 1);
  }
  CHECK(read("LB:1:2 FS:rate 0.000000 DF: (alg: 2, pref: 4660)") == "unreadable-action");
  CHECK(read("FS:rate 0.000000x") == "unreadable-action");
}

TEST_CASE("every community that FRR showed is known") {
  for (const char* name : {"captures/frr-8.4.4/communities.txt", "captures/frr-8.4.4/basic.txt",
                           "captures/frr-10.7.0/basic.txt"}) {
    const std::string text = test_data(name);
    std::size_t lists = 0;
    for (std::size_t at = 0; (at = text.find("list\":\"", at)) != std::string::npos; ++lists) {
      at += 7;
      const std::string list = text.substr(at, text.find('"', at) - at);
      CAPTURE(name, list);
      CHECK(communities_in(list));
    }
    CHECK(lists > 1);
  }
}
