// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/packet_oracle/counted_table.hpp"

#include "common/error.hpp"

#include <fmt/format.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <utility>

namespace flowspec::oracle {

namespace {

// Both families ask alike, and only their entries differ.
static_assert(sizeof(ipt_getinfo) == sizeof(ip6t_getinfo) && IPT_SO_GET_INFO == IP6T_SO_GET_INFO);
static_assert(offsetof(ipt_get_entries, entrytable) == offsetof(ip6t_get_entries, entrytable) &&
              IPT_SO_GET_ENTRIES == IP6T_SO_GET_ENTRIES);
constexpr std::size_t first_entry = offsetof(ipt_get_entries, entrytable);

template <class T>
T at(const std::vector<std::byte>& bytes, std::size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

std::string text(const std::vector<std::byte>& bytes, std::size_t offset, std::size_t size) {
  const auto* start = reinterpret_cast<const char*>(bytes.data() + offset);
  return {start, strnlen(start, size)};
}

/// Where the parts of an entry are, from the start of the answer.
struct Parts {
  std::size_t matches;
  std::size_t target;
  std::size_t counters;
  std::size_t next;
};

template <class Entry>
Parts parts_of(const std::vector<std::byte>& bytes, std::size_t offset) {
  const auto entry = at<Entry>(bytes, offset);
  return {offset + sizeof entry, offset + entry.target_offset, offset + offsetof(Entry, counters),
          offset + entry.next_offset};
}

std::string comment_in(const std::vector<std::byte>& bytes, const Parts& parts) {
  for (std::size_t match = parts.matches; match < parts.target;) {
    const std::size_t name = match + offsetof(xt_entry_match, u.user.name);
    if (text(bytes, name, XT_EXTENSION_MAXNAMELEN) == "comment")
      return text(bytes, match + sizeof(xt_entry_match), 256);
    match += at<std::uint16_t>(bytes, match + offsetof(xt_entry_match, u.match_size));
  }
  return "";
}

std::string target_name(const std::vector<std::byte>& bytes, const Parts& parts) {
  return text(bytes, parts.target + offsetof(xt_entry_target, u.user.name), XT_EXTENSION_MAXNAMELEN);
}

CountedRule::Kind kind_of(const std::vector<std::byte>& bytes, const Parts& parts) {
  const std::string name = target_name(bytes, parts);
  if (name == "NFLOG")
    return CountedRule::Kind::log;
  if (name != XT_STANDARD_TARGET)
    return CountedRule::Kind::other;
  const int verdict = at<int>(bytes, parts.target + offsetof(xt_standard_target, verdict));
  return verdict == -NF_ACCEPT - 1 ? CountedRule::Kind::accept
         : verdict == -NF_DROP - 1 ? CountedRule::Kind::drop
                                   : CountedRule::Kind::other;
}

} // namespace

CountedTable::CountedTable(Family family, std::string table)
    : family_(family), table_(std::move(table)),
      socket_(socket(family == Family::ipv4 ? AF_INET : AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW)) {}

void CountedTable::reload() {
  const int level = family_ == Family::ipv4 ? int{IPPROTO_IP} : int{IPPROTO_IPV6};
  ipt_getinfo info{};
  std::strcpy(info.name, table_.c_str());
  socklen_t size = sizeof info;
  if (getsockopt(socket_.number(), level, IPT_SO_GET_INFO, &info, &size) != 0)
    throw Error(with_errno("ask for the layout of table " + table_, errno));
  answer_.assign(first_entry + info.size, std::byte{});
  fetch();

  const std::array<const char*, NF_INET_NUMHOOKS> hooks{"PREROUTING", "INPUT", "FORWARD", "OUTPUT",
                                                        "POSTROUTING"};
  std::map<std::size_t, std::string> built_in; // by where they begin
  for (std::size_t hook = 0; hook < hooks.size(); ++hook)
    if ((info.valid_hooks & 1U << hook) != 0)
      built_in[first_entry + info.hook_entry[hook]] = hooks.at(hook);

  rules_.clear();
  offsets_.clear();
  std::string chain;
  for (std::size_t offset = first_entry; offset < answer_.size();) {
    const Parts parts = family_ == Family::ipv4 ? parts_of<ipt_entry>(answer_, offset)
                                                : parts_of<ip6t_entry>(answer_, offset);
    if (const auto found = built_in.find(offset); found != built_in.end())
      chain = found->second;
    if (target_name(answer_, parts) == XT_ERROR_TARGET) { // the head of a chain of somebody's own
      chain = text(answer_, parts.target + sizeof(xt_entry_target), XT_FUNCTION_MAXNAMELEN);
    } else {
      rules_.push_back({chain, comment_in(answer_, parts), kind_of(answer_, parts)});
      offsets_.push_back(parts.counters);
    }
    offset = parts.next;
  }
  mark();
}

void CountedTable::read() {
  fetch();
}

void CountedTable::fetch() {
  const int level = family_ == Family::ipv4 ? int{IPPROTO_IP} : int{IPPROTO_IPV6};
  auto* request = reinterpret_cast<ipt_get_entries*>(answer_.data());
  std::strcpy(request->name, table_.c_str());
  request->size = static_cast<unsigned>(answer_.size() - first_entry);
  auto size = static_cast<socklen_t>(answer_.size());
  if (getsockopt(socket_.number(), level, IPT_SO_GET_ENTRIES, request, &size) != 0)
    throw Error(with_errno("ask for the counters of table " + table_, errno));
}

std::uint64_t CountedTable::packets(std::size_t rule) const {
  return at<xt_counters>(answer_, offsets_.at(rule)).pcnt;
}

void CountedTable::mark() {
  marked_.resize(rules_.size());
  for (std::size_t rule = 0; rule < rules_.size(); ++rule)
    marked_[rule] = packets(rule);
}

} // namespace flowspec::oracle
