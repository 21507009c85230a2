// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/route_messages.hpp"
#include "tests/support/generate.hpp"

#include <catch2/catch.hpp>
#include <linux/rtnetlink.h>

#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

using namespace flowspec;

namespace {

/// A netlink message as it is built from its parts; the lengths are the ones that the parts have.
class Message {
 public:
  template <typename Header>
  Message(std::uint16_t type, const Header& header) {
    nlmsghdr start{};
    start.nlmsg_type = type;
    append(&start, sizeof start);
    append(&header, sizeof header);
  }
  Message& attribute(std::uint16_t type, const std::string& value) {
    const nlattr start{static_cast<std::uint16_t>(sizeof(nlattr) + value.size()), type};
    append(&start, sizeof start);
    append(value.data(), value.size());
    return *this;
  }
  /// Of exactly so many bytes, which are all its own: reading beyond is found out.
  std::vector<char> bytes() const {
    std::vector<char> result = bytes_;
    const auto length = static_cast<std::uint32_t>(result.size());
    std::memcpy(result.data(), &length, sizeof length);
    return result;
  }

 private:
  void append(const void* data, std::size_t size) {
    const auto* begin = static_cast<const char*>(data);
    bytes_.insert(bytes_.end(), begin, begin + size);
    bytes_.resize(NLMSG_ALIGN(bytes_.size()));
  }
  std::vector<char> bytes_;
};

const nlmsghdr& header(const std::vector<char>& bytes) {
  return *reinterpret_cast<const nlmsghdr*>(bytes.data());
}

std::string octets(std::initializer_list<int> values) {
  std::string text;
  for (const int value : values)
    text += static_cast<char>(value);
  return text;
}

std::string number(std::uint32_t value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

Message route(std::uint8_t length = 16, std::uint8_t type = RTN_UNICAST, std::uint8_t family = AF_INET) {
  rtmsg body{};
  body.rtm_family = family;
  body.rtm_dst_len = length;
  body.rtm_table = RT_TABLE_MAIN;
  body.rtm_type = type;
  return {RTM_NEWROUTE, body};
}

Message address(std::uint8_t length) {
  ifaddrmsg body{};
  body.ifa_family = AF_INET;
  body.ifa_prefixlen = length;
  return {RTM_NEWADDR, body};
}

/// A hop of RTA_MULTIPATH that says that it is so long.
std::string hop(std::uint16_t length, int interface) {
  const rtnexthop body{length, 0, 0, interface};
  return {reinterpret_cast<const char*>(&body), sizeof body};
}

} // namespace

TEST_CASE("messages of the kernel that are not what they should be are errors") {
  const std::string ten = octets({10, 0, 0, 0});
  for (const Message& bad : {route(33).attribute(RTA_DST, ten), route().attribute(RTA_DST, octets({10, 0})),
                             route(16, RTN_UNICAST, AF_INET6).attribute(RTA_DST, ten),
                             route().attribute(RTA_DST, ten).attribute(RTA_OIF, "x"),
                             route().attribute(RTA_DST, ten).attribute(RTA_TABLE, "x"),
                             route().attribute(RTA_DST, ten).attribute(RTA_MULTIPATH, hop(4, 3)),
                             route().attribute(RTA_DST, ten).attribute(RTA_MULTIPATH, hop(64, 3)),
                             route().attribute(RTA_DST, ten).attribute(RTA_MULTIPATH, "xxxxx")}) {
    CHECK_THROWS_WITH(kernel_route(header(bad.bytes())),
                      "ask the kernel for addresses and routes: Bad message");
  }
  CHECK_THROWS_AS(address_prefixes(header(address(33).attribute(IFA_ADDRESS, ten).bytes())), Error);
  CHECK_THROWS_AS(address_prefixes(header(address(8).attribute(IFA_LOCAL, "x").bytes())), Error);
  const nlmsghdr empty{sizeof(nlmsghdr), NLMSG_DONE, 0, 0, 0};
  CHECK_THROWS_AS(carried_error(empty), Error);
  CHECK(carried_error(header(Message(NLMSG_DONE, -EPERM).bytes())) == EPERM);
  CHECK(carried_error(header(Message(NLMSG_DONE, 0).bytes())) == 0);
}

TEST_CASE("messages of the kernel on other things than IPv4 and IPv6 say nothing") {
  constexpr std::uint8_t mpls = 28;
  CHECK_FALSE(kernel_route(header(route(20, RTN_UNICAST, mpls).attribute(RTA_DST, "....").bytes())));
  ifaddrmsg body{};
  body.ifa_family = 16; // DECnet
  CHECK(address_prefixes(header(Message(RTM_NEWADDR, body).attribute(IFA_ADDRESS, "..").bytes())).empty());
}

TEST_CASE("no bytes of a message break its readers") {
  const std::string ten = octets({10, 0, 0, 0});
  const std::vector<std::vector<char>> whole{
      route().attribute(RTA_DST, ten).attribute(RTA_OIF, number(2)).bytes(),
      route().attribute(RTA_DST, ten).attribute(RTA_MULTIPATH, hop(8, 0) + hop(8, 0) + hop(8, 2)).bytes(),
      address(24).attribute(IFA_LOCAL, ten).attribute(IFA_ADDRESS, ten).bytes(),
  };
  REQUIRE(kernel_route(header(whole[0])) == KernelRoute{*parse_prefix("10.0.0.0/16"), true});
  REQUIRE(kernel_route(header(whole[1])) == KernelRoute{*parse_prefix("10.0.0.0/16"), true});
  generate::Random random(generate::seed());
  for (int round = 0; round < 50000; ++round) {
    std::vector<char> bytes = whole[generate::number(random, 0, 2)];
    for (std::uint32_t change = generate::number(random, 0, 3); change > 0; --change)
      bytes[generate::number(random, 4, static_cast<std::uint32_t>(bytes.size()) - 1)] =
          static_cast<char>(generate::number(random, 0, generate::chance(random, 50) ? 32 : 255));
    if (generate::chance(random, 50)) // cut off, and says so
      bytes.resize(generate::number(random, sizeof(nlmsghdr), static_cast<std::uint32_t>(bytes.size())));
    const auto length = static_cast<std::uint32_t>(bytes.size());
    std::memcpy(bytes.data(), &length, sizeof length);
    try {
      if (const auto found = kernel_route(header(bytes)))
        REQUIRE(found->prefix.length > 0);
      for (const Prefix& prefix : address_prefixes(header(bytes)))
        REQUIRE(prefix.length <= address_bits(prefix.family()));
      carried_error(header(bytes));
    } catch (const Error&) {
    }
  }
}
