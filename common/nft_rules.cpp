// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/nft_rules.hpp"

#include "common/error.hpp"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <endian.h>
#include <libmnl/libmnl.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace flowspec {

namespace {

struct CloseSocket {
  void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
};
using Socket = std::unique_ptr<mnl_socket, CloseSocket>;

[[noreturn]] void fail(int code) {
  throw Error(with_errno("ask the kernel for the rules of nf_tables", code));
}

/// What a kernel without nf_tables, or without netfilter's sockets, answers.
bool knows_no_nf_tables(int code) {
  return code == EINVAL || code == EOPNOTSUPP || code == EPROTONOSUPPORT || code == EAFNOSUPPORT;
}

/// Asks for all rules or chains of `family`, which is a number of the kernel's.
void ask(mnl_socket* socket, int message, std::uint8_t family) {
  alignas(nlmsghdr) std::array<char, 64> buffer{}; // more than both headers take
  nlmsghdr* header = mnl_nlmsg_put_header(buffer.data());
  header->nlmsg_type = static_cast<std::uint16_t>((NFNL_SUBSYS_NFTABLES << 8) | message);
  header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  auto* body = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(header, sizeof(nfgenmsg)));
  body->nfgen_family = family;
  body->version = NFNETLINK_V0;
  if (mnl_socket_sendto(socket, header, header->nlmsg_len) < 0)
    fail(errno);
}

int see_rule(const nlmsghdr* /*message*/, void* seen) {
  *static_cast<bool*>(seen) = true;
  return MNL_CB_OK;
}

/// A chain that drops what no rule decides filters without a rule.
int see_policy(const nlattr* attribute, void* seen) {
  if (mnl_attr_get_type(attribute) == NFTA_CHAIN_POLICY && mnl_attr_validate(attribute, MNL_TYPE_U32) >= 0 &&
      be32toh(mnl_attr_get_u32(attribute)) == NF_DROP)
    *static_cast<bool*>(seen) = true;
  return MNL_CB_OK;
}

int see_chain(const nlmsghdr* message, void* seen) {
  return mnl_attr_parse(message, sizeof(nfgenmsg), see_policy, seen);
}

/// Whether `see` finds one among those of `family`. None: somebody changed them while they were listed, and
/// those that came first are none.
std::optional<bool> any(int message, std::uint8_t family, mnl_cb_t see) {
  const Socket socket(mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC));
  if (!socket && knows_no_nf_tables(errno))
    return false;
  if (!socket || mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) < 0)
    fail(errno);
  ask(socket.get(), message, family);
  constexpr std::size_t most_bytes = 32768; // in one message of a dump
  std::string buffer(most_bytes, '\0');
  bool found = false;
  for (int more = MNL_CB_OK; more == MNL_CB_OK && !found;) {
    const ssize_t got = mnl_socket_recvfrom(socket.get(), buffer.data(), buffer.size());
    if (got < 0)
      fail(errno);
    more = mnl_cb_run(buffer.data(), static_cast<std::size_t>(got), 0, mnl_socket_get_portid(socket.get()),
                      see, &found);
    if (more >= 0 || found)
      continue;
    if (errno == EINTR)
      return std::nullopt;
    if (!knows_no_nf_tables(errno))
      fail(errno);
  }
  return found;
}

} // namespace

bool nf_tables_hold_rules(Family family) {
  const std::uint8_t own = family == Family::ipv4 ? NFPROTO_IPV4 : NFPROTO_IPV6;
  constexpr int most_tries = 10;
  for (const std::uint8_t asked : {own, static_cast<std::uint8_t>(NFPROTO_INET)})
    for (const auto& [message, see] :
         {std::pair{NFT_MSG_GETRULE, &see_rule}, std::pair{NFT_MSG_GETCHAIN, &see_chain}}) {
      std::optional<bool> found;
      for (int tries = 0; !found; ++tries) {
        if (tries == most_tries)
          fail(EINTR);
        found = any(message, asked, see);
      }
      if (*found)
        return true;
    }
  return false;
}

} // namespace flowspec
