// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/support/legacy.hpp"

#include "common/error.hpp"
#include "common/process.hpp"

#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace flowspec::test {

namespace {

std::string program(Family family, const std::string& rest) {
  return (family == Family::ipv4 ? "iptables-legacy" : "ip6tables-legacy") + rest;
}

std::string checked(std::vector<std::string> argv, const std::vector<std::string>& more) {
  argv.insert(argv.end(), more.begin(), more.end());
  const Finished finished = run(argv, {.time = std::chrono::minutes(2)});
  if (finished.exit_code != 0)
    throw Error(argv.front() + ": " + finished.err);
  return finished.out;
}

template <class Info, class Request, class Entry>
std::vector<std::byte> table_bytes(int domain, int level, int get_info, int get_entries) {
  const int fd = socket(domain, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
  Info info{};
  std::strcpy(info.name, "filter");
  socklen_t size = sizeof info;
  if (getsockopt(fd, level, get_info, &info, &size) != 0)
    throw Error(with_errno("read the filter table", errno));
  std::vector<std::byte> answer(sizeof(Request) + info.size);
  auto* request = reinterpret_cast<Request*>(answer.data());
  std::strcpy(request->name, "filter");
  request->size = info.size;
  size = static_cast<socklen_t>(answer.size());
  if (getsockopt(fd, level, get_entries, request, &size) != 0)
    throw Error(with_errno("read the filter table", errno));
  close(fd);
  const std::size_t first = offsetof(Request, entrytable);
  for (std::size_t at = first; at < first + info.size;) {
    auto* entry = reinterpret_cast<Entry*>(answer.data() + at);
    entry->counters = {};
    entry->comefrom = 0;
    at += entry->next_offset;
  }
  return {answer.begin() + static_cast<std::ptrdiff_t>(first), answer.end()};
}

} // namespace

void iptables(Family family, const std::vector<std::string>& arguments) {
  checked({program(family, "")}, arguments);
}

void restore(Family family, const std::string& text, const std::vector<std::string>& options) {
  const std::string file = std::filesystem::temp_directory_path() / ("rules." + std::to_string(getpid()));
  std::ofstream(file) << text;
  std::vector<std::string> arguments = options;
  arguments.push_back(file);
  checked({program(family, "-restore")}, arguments);
  std::filesystem::remove(file);
}

std::vector<std::string> saved(Family family, const std::string& table) {
  std::vector<std::string> options{"-c"};
  if (!table.empty())
    options.insert(options.end(), {"-t", table});
  std::istringstream text(checked({program(family, "-save")}, options));
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);)
    if (!line.starts_with('#'))
      lines.push_back(line);
  return lines;
}

std::vector<std::string> saved_rules(Family family, const std::string& chain) {
  std::vector<std::string> rules;
  const std::string start = "-A " + chain;
  for (const std::string& line : saved(family, "filter"))
    if (const std::size_t at = line.find("] " + start); line.starts_with('[') && at != std::string::npos) {
      const std::string rest = line.substr(at + 2 + start.size());
      if (rest.empty() || rest.front() == ' ')
        rules.push_back(rest.empty() ? rest : rest.substr(1));
    }
  return rules;
}

std::vector<std::byte> filter_bytes(Family family) {
  return family == Family::ipv4
             ? table_bytes<ipt_getinfo, ipt_get_entries, ipt_entry>(AF_INET, IPPROTO_IP, IPT_SO_GET_INFO,
                                                                    IPT_SO_GET_ENTRIES)
             : table_bytes<ip6t_getinfo, ip6t_get_entries, ip6t_entry>(AF_INET6, IPPROTO_IPV6,
                                                                       IP6T_SO_GET_INFO, IP6T_SO_GET_ENTRIES);
}

} // namespace flowspec::test
