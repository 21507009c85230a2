// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/own_prefixes.hpp"

#include "common/prefix_set.hpp"
#include "common/route_messages.hpp"

#include <linux/filter.h>
#include <linux/rtnetlink.h>

#include <arpa/inet.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <utility>

namespace flowspec {

namespace {

void add(const Prefix& prefix, std::vector<Prefix>& own) {
  if (!shared_addresses().contains(prefix))
    own.push_back(prefix);
}

void add_what_is_own(const nlmsghdr& message, std::vector<Prefix>& own) {
  if (message.nlmsg_type == RTM_NEWADDR)
    for (const Prefix& prefix : address_prefixes(message))
      add(prefix, own);
  if (message.nlmsg_type == RTM_NEWROUTE)
    if (const auto route = kernel_route(message); route && route->own)
      add(route->prefix, own);
}

/// True when `message` ends an answer. An answer that breaks off ends with an error too.
bool is_end(const nlmsghdr& message) {
  if (message.nlmsg_type == NLMSG_OVERRUN)
    throw route_error(EOVERFLOW);
  if (message.nlmsg_type != NLMSG_ERROR && message.nlmsg_type != NLMSG_DONE)
    return false;
  if (const int error = carried_error(message); error != 0)
    throw route_error(error);
  return true;
}

template <typename Header>
void ask_for_all(const Descriptor& socket, std::uint16_t what, std::uint8_t family) {
  struct {
    nlmsghdr header;
    Header body; // begins with the family
  } request{};
  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = what;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  *reinterpret_cast<std::uint8_t*>(&request.body) = family;
  if (send(socket.get(), &request, sizeof request, 0) < 0)
    throw route_error(errno);
}

/// Adds what is own of all addresses or routes of `family`. False when they changed meanwhile: then it may be
/// neither what was nor what is.
template <typename Header>
bool add_own(std::uint16_t what, std::uint8_t family, std::vector<Prefix>& own) {
  const Descriptor socket = route_socket(0, 0);
  ask_for_all<Header>(socket, what, family);
  bool consistent = true;
  const auto take = [&](const nlmsghdr& message) {
    consistent = consistent && (message.nlmsg_flags & NLM_F_DUMP_INTR) == 0;
    if (is_end(message))
      return true;
    add_what_is_own(message, own);
    return false;
  };
  RouteDatagram datagram;
  do {
    if (!datagram.receive(socket))
      throw route_error(errno);
  } while (!datagram.any(take));
  return consistent;
}

bool add_own(std::vector<Prefix>& own) {
  bool consistent = true;
  for (const std::uint8_t family : {std::uint8_t{AF_INET}, std::uint8_t{AF_INET6}}) {
    consistent = add_own<ifaddrmsg>(RTM_GETADDR, family, own) && consistent;
    consistent = add_own<rtmsg>(RTM_GETROUTE, family, own) && consistent;
  }
  return consistent;
}

/// Keeps routes by a gateway from the socket, which would overflow while BGP fills a table. Those that
/// replaced another one are needed.
void leave_out_gateways(const Descriptor& socket) {
  constexpr std::uint32_t attributes = sizeof(nlmsghdr) + sizeof(rtmsg);
  constexpr auto find = static_cast<std::uint32_t>(SKF_AD_OFF + SKF_AD_NLATTR); // 0: there is none
  std::array<sock_filter, 15> program{{
      BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(nlmsghdr, nlmsg_type)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_NEWROUTE), 1, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_DELROUTE), 0, 10),
      BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(nlmsghdr, nlmsg_flags)),
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, htons(NLM_F_REPLACE), 8, 0),
      BPF_STMT(BPF_LD | BPF_IMM, attributes),
      BPF_STMT(BPF_LDX | BPF_IMM, RTA_GATEWAY),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, find),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 5),
      BPF_STMT(BPF_LD | BPF_IMM, attributes),
      BPF_STMT(BPF_LDX | BPF_IMM, RTA_VIA),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, find),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, 0xffffffff),
      BPF_STMT(BPF_RET | BPF_K, 0),
  }};
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  if (setsockopt(socket.get(), SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) != 0)
    throw route_error(errno);
}

bool may_change_own(const nlmsghdr& message, const std::vector<Prefix>* known) {
  if (message.nlmsg_type != RTM_NEWROUTE && message.nlmsg_type != RTM_DELROUTE)
    return true;
  const auto route = kernel_route(message);
  if (!route || route->own)
    return route.has_value();
  return (message.nlmsg_flags & NLM_F_REPLACE) != 0 &&
         (known == nullptr || std::binary_search(known->begin(), known->end(), route->prefix));
}

} // namespace

std::vector<Prefix> own_prefixes() {
  constexpr int most_tries = 10;
  std::vector<Prefix> own;
  for (int tries = 1; !add_own(own); ++tries) {
    if (tries == most_tries)
      throw route_error(EINTR);
    own.clear();
  }
  std::sort(own.begin(), own.end());
  own.erase(std::unique(own.begin(), own.end()), own.end());
  return own;
}

AddressMonitor::AddressMonitor()
    : socket_(route_socket(SOCK_NONBLOCK, RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE |
                                              RTMGRP_IPV6_ROUTE | RTMGRP_LINK)) {
  leave_out_gateways(socket_);
  const int bytes = 4 << 20; // some thousand routes between two looks; what the kernel grants will do
  setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes);
}

bool AddressMonitor::changed(const std::vector<Prefix>* known) {
  constexpr int most_reads = 100'000; // who says more at once says that something changed
  bool changed = std::exchange(untold_, true);
  RouteDatagram datagram;
  for (int reads = 0; reads < most_reads; ++reads) {
    if (datagram.receive(socket_)) {
      changed = datagram.any([&](const nlmsghdr& m) { return may_change_own(m, known); }) || changed;
    } else if (errno == ENOBUFS) {
      changed = true; // something was lost
    } else if (errno == EAGAIN) {
      untold_ = false;
      return changed;
    } else {
      throw route_error(errno);
    }
  }
  untold_ = false;
  return true;
}

} // namespace flowspec
