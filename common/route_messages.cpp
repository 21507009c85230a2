// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/route_messages.hpp"

#include <linux/rtnetlink.h>

#include <libmnl/libmnl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace flowspec {

namespace {

constexpr std::uint32_t loopback_index = 1; // in every network namespace

template <typename Header>
Header header_of(const nlmsghdr& message) {
  Header header;
  if (mnl_nlmsg_get_payload_len(&message) < sizeof header)
    throw route_error(EBADMSG);
  std::memcpy(&header, mnl_nlmsg_get_payload(&message), sizeof header);
  return header;
}

/// By type; null: not there.
using Attributes = std::array<const nlattr*, 64>;

int keep(const nlattr* attribute, void* kept) {
  const std::size_t type = mnl_attr_get_type(attribute);
  if (auto& attributes = *static_cast<Attributes*>(kept); type < attributes.size())
    attributes[type] = attribute;
  return MNL_CB_OK;
}

template <typename Header>
Attributes attributes_of(const nlmsghdr& message) {
  Attributes attributes{};
  mnl_attr_parse(&message, sizeof(Header), keep, &attributes);
  return attributes;
}

/// 0 without the attribute.
std::uint32_t number(const nlattr* attribute) {
  if (attribute == nullptr)
    return 0;
  if (mnl_attr_validate(attribute, MNL_TYPE_U32) < 0)
    throw route_error(EBADMSG);
  return mnl_attr_get_u32(attribute);
}

std::optional<Family> family_of(unsigned number) {
  if (number == AF_INET)
    return Family::ipv4;
  return number == AF_INET6 ? std::optional(Family::ipv6) : std::nullopt;
}

Prefix prefix_of(Family family, const nlattr* attribute, unsigned length) {
  const unsigned bits = address_bits(family);
  if (mnl_attr_get_payload_len(attribute) != bits / 8 || length > bits)
    throw route_error(EBADMSG);
  Address address{family, {}};
  std::memcpy(address.bytes.data(), mnl_attr_get_payload(attribute), bits / 8);
  return Prefix::masked(address, length);
}

bool is_link(std::uint32_t index, const Attributes& hop) {
  return index != 0 && index != loopback_index && hop[RTA_GATEWAY] == nullptr && hop[RTA_VIA] == nullptr;
}

bool some_hop_is_link(const nlattr* hops) {
  const auto* at = static_cast<const char*>(mnl_attr_get_payload(hops));
  std::size_t left = mnl_attr_get_payload_len(hops);
  while (left > 0) {
    rtnexthop hop{};
    if (left < sizeof hop)
      throw route_error(EBADMSG);
    std::memcpy(&hop, at, sizeof hop);
    if (hop.rtnh_len < sizeof hop || hop.rtnh_len > left)
      throw route_error(EBADMSG);
    Attributes attributes{};
    mnl_attr_parse_payload(at + sizeof hop, hop.rtnh_len - sizeof hop, keep, &attributes);
    if (is_link(static_cast<std::uint32_t>(hop.rtnh_ifindex), attributes))
      return true;
    const std::size_t step = std::min<std::size_t>(RTNH_ALIGN(hop.rtnh_len), left);
    at += step;
    left -= step;
  }
  return false;
}

} // namespace

Error route_error(int code) {
  return Error(with_errno("ask the kernel for addresses and routes", code));
}

Descriptor route_socket(int flags, std::uint32_t groups) {
  Descriptor made(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | flags, NETLINK_ROUTE));
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = groups;
  if (!made.open() || bind(made.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    throw route_error(errno);
  return made;
}

bool RouteDatagram::receive(const Descriptor& from) {
  ssize_t got = -1;
  do
    got = recv(from.get(), bytes_.data(), bytes_.size(), MSG_TRUNC);
  while (got < 0 && errno == EINTR);
  if (got > static_cast<ssize_t>(bytes_.size()))
    throw route_error(EMSGSIZE);
  size_ = std::max(0, static_cast<int>(got));
  return got >= 0;
}

bool RouteDatagram::any(const std::function<bool(const nlmsghdr&)>& wanted) const {
  int left = size_;
  const auto* message = reinterpret_cast<const nlmsghdr*>(bytes_.data());
  for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left))
    if (wanted(*message))
      return true;
  if (left > 0)
    throw route_error(EBADMSG);
  return false;
}

int carried_error(const nlmsghdr& message) {
  const int error = header_of<int>(message); // nlmsgerr begins with it
  return error < 0 ? -error : 0;
}

std::vector<Prefix> address_prefixes(const nlmsghdr& message) {
  const auto header = header_of<ifaddrmsg>(message);
  const std::optional<Family> family = family_of(header.ifa_family);
  if (!family)
    return {};
  const unsigned bits = address_bits(*family);
  const Attributes attributes = attributes_of<ifaddrmsg>(message);
  std::vector<Prefix> prefixes;
  if (const nlattr* const itself = attributes[IFA_LOCAL]; itself != nullptr)
    prefixes.push_back(prefix_of(*family, itself, bits));
  if (const nlattr* const on_link = attributes[IFA_ADDRESS]; on_link != nullptr)
    prefixes.push_back(prefix_of(*family, on_link, header.ifa_prefixlen == 0 ? bits : header.ifa_prefixlen));
  return prefixes;
}

std::optional<KernelRoute> kernel_route(const nlmsghdr& message) {
  const auto header = header_of<rtmsg>(message);
  const std::optional<Family> family = family_of(header.rtm_family);
  // A clone is what the kernel learned of one destination: a redirect, a smaller MTU.
  if (!family || header.rtm_dst_len == 0 || (header.rtm_flags & RTM_F_CLONED) != 0)
    return std::nullopt;
  const Attributes attributes = attributes_of<rtmsg>(message);
  const std::uint32_t table =
      attributes[RTA_TABLE] != nullptr ? number(attributes[RTA_TABLE]) : header.rtm_table;
  if ((table != RT_TABLE_MAIN && table != RT_TABLE_LOCAL) || attributes[RTA_DST] == nullptr)
    return std::nullopt;
  KernelRoute route{prefix_of(*family, attributes[RTA_DST], header.rtm_dst_len), false};
  if (header.rtm_type == RTN_LOCAL)
    route.own = true;
  else if (header.rtm_type == RTN_UNICAST)
    route.own = attributes[RTA_MULTIPATH] != nullptr ? some_hop_is_link(attributes[RTA_MULTIPATH])
                                                     : is_link(number(attributes[RTA_OIF]), attributes);
  return route;
}

} // namespace flowspec
