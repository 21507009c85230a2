// SPDX-License-Identifier: GPL-2.0-or-later
//
// The kernel answers ENOENT to a commit that needs a module it does not have, and does not say which. It does
// answer when asked for each of them, as iptables itself asks before it picks a revision.
#include "common/xtables_probe.hpp"

#include "common/match_codec.hpp"
#include "common/target_codec.hpp"

#include <fmt/format.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <compare>
#include <set>

namespace flowspec {

namespace {

struct Extension {
  bool target = false;
  std::string name;
  std::uint8_t revision = 0;

  auto operator<=>(const Extension&) const = default;
};

std::set<Extension> extensions_of(const std::vector<Edit>& edits, Family family) {
  std::set<Extension> result;
  for (const Edit& edit : edits) {
    const auto* insert = std::get_if<InsertRule>(&edit);
    if (!insert)
      continue;
    const Rule rule = insert->rule.rule();
    for (const Match& match : rule.matches) {
      const xtables::ExtensionBytes bytes = xtables::encode_match(match, family);
      result.insert({false, std::string(bytes.name), bytes.revision});
    }
    if (xtables::is_extension(rule.target)) {
      const xtables::ExtensionBytes bytes = xtables::encode_target(rule.target, family);
      result.insert({true, std::string(bytes.name), bytes.revision});
    }
  }
  return result;
}

bool kernel_lacks(const Extension& extension, int fd, Family family) {
  xt_get_revision question{};
  extension.name.copy(question.name, sizeof question.name - 1);
  question.revision = extension.revision;
  const bool v4 = family == Family::ipv4;
  const int option = extension.target ? (v4 ? IPT_SO_GET_REVISION_TARGET : IP6T_SO_GET_REVISION_TARGET)
                                      : (v4 ? IPT_SO_GET_REVISION_MATCH : IP6T_SO_GET_REVISION_MATCH);
  socklen_t size = sizeof question;
  return getsockopt(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, option, &question, &size) < 0 &&
         (errno == ENOENT || errno == EPROTONOSUPPORT);
}

} // namespace

std::string missing_extensions(const std::vector<Edit>& edits, Family family) {
  const int fd = socket(family == Family::ipv4 ? AF_INET : AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
  if (fd < 0)
    return "";
  std::string missing;
  for (const Extension& extension : extensions_of(edits, family))
    if (kernel_lacks(extension, fd, family))
      missing += fmt::format("{}{} {} revision {}", missing.empty() ? "" : ", ",
                             extension.target ? "target" : "match", extension.name, extension.revision);
  close(fd);
  return missing;
}

} // namespace flowspec
