// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/table_snapshot.hpp"

#include "common/descriptor.hpp"
#include "common/error.hpp"
#include "common/table_bytes.hpp"
#include "common/table_words.hpp"
#include "common/xtables_families.hpp"

#include <fmt/format.h>

#include <sys/mman.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <system_error>

namespace flowspec {

namespace {

/// Somebody may put another table there between the kernel's two answers; not so often.
constexpr int max_tries = 100;

[[noreturn]] void fail(Family family, std::string_view table, int code) {
  const std::string cause = table_trouble(code, family, table);
  throw Error(fmt::format("read {}: {}", table_title(family, table),
                          cause.empty() ? std::generic_category().message(code) : cause));
}

/// Of many megabytes in large pages, which the kernel fills in half the time.
std::byte* allocate(std::size_t size) {
  constexpr std::size_t large_page = 2U << 20;
  const bool large = size >= 2 * large_page;
  const std::size_t alignment = large ? large_page : alignof(std::max_align_t);
  const std::size_t whole = (size + alignment - 1) / alignment * alignment;
  void* const block = std::aligned_alloc(alignment, whole);
  if (block == nullptr)
    throw std::bad_alloc();
  if (large)
    madvise(block, whole, MADV_HUGEPAGE); // where it cannot be had: small pages
  return static_cast<std::byte*>(block);
}

struct Info4 : ipt_getinfo {
  using Entries = ipt_get_entries;
  static constexpr int level = IPPROTO_IP;
  static constexpr int get_info = IPT_SO_GET_INFO;
  static constexpr int get_entries = IPT_SO_GET_ENTRIES;
};

struct Info6 : ip6t_getinfo {
  using Entries = ip6t_get_entries;
  static constexpr int level = IPPROTO_IPV6;
  static constexpr int get_info = IP6T_SO_GET_INFO;
  static constexpr int get_entries = IP6T_SO_GET_ENTRIES;
};

} // namespace

template <class Info>
Info TableSnapshot::info_from(int socket) const {
  Info info{};
  table_.copy(info.name, sizeof info.name - 1);
  socklen_t length = sizeof info;
  if (getsockopt(socket, Info::level, Info::get_info, &info, &length) != 0)
    fail(family_, table_, errno);
  return info;
}

/// False when the table was replaced meanwhile. The kernel says so itself only when the size is another.
template <class Info>
bool TableSnapshot::read_from(int socket) {
  const auto info = info_from<Info>(socket);
  data_.reset(); // of the try before
  data_.reset(allocate(sizeof(typename Info::Entries) + info.size));
  auto* const entries = new (data_.get()) typename Info::Entries{};
  table_.copy(entries->name, sizeof entries->name - 1);
  entries->size = info.size;
  auto length = static_cast<socklen_t>(sizeof *entries + info.size);
  if (getsockopt(socket, Info::level, Info::get_entries, entries, &length) != 0) {
    if (errno == EAGAIN)
      return false;
    fail(family_, table_, errno);
  }
  const auto behind = info_from<Info>(socket);
  if (!std::ranges::equal(info.hook_entry, behind.hook_entry) || info.size != behind.size)
    return false;
  size_ = info.size;
  hooks_ = info.valid_hooks;
  std::copy(std::begin(info.hook_entry), std::end(info.hook_entry), first_.begin());
  return true;
}

TableSnapshot::TableSnapshot(Family family, const std::string& table) : family_(family), table_(table) {
  if (table.size() >= XT_TABLE_MAXNAMELEN)
    fail(family, table, ENOENT);
  const bool ipv4 = family == Family::ipv4;
  const Descriptor socket(::socket(ipv4 ? AF_INET : AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW));
  if (!socket.open())
    fail(family, table, errno);
  for (int attempt = 1; !(ipv4 ? read_from<Info4>(socket.get()) : read_from<Info6>(socket.get())); ++attempt)
    if (attempt == max_tries)
      throw Error(fmt::format("read {}: somebody replaces it all the time (tried {} times)",
                              table_title(family, table), max_tries));
}

namespace {

constexpr std::size_t head_of(Family family) {
  return family == Family::ipv4 ? sizeof(ipt_get_entries) : sizeof(ip6t_get_entries);
}

} // namespace

Ruleset TableSnapshot::read() const {
  return rules_of({family_, table_, hooks_, first_, {data_.get() + head_of(family_), size_}});
}

std::vector<ChainCounters> TableSnapshot::counters() const {
  return counters_of({family_, table_, hooks_, first_, {data_.get() + head_of(family_), size_}});
}

} // namespace flowspec
