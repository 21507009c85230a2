// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/status_report.hpp"

#include "common/printable.hpp"
#include "injector/age.hpp"
#include "injector/text_table.hpp"
#include "injector/words.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace flowspec {

namespace {

using std::chrono::seconds;

/// As iptables -v prints its counters.
std::string short_number(std::uint64_t number) {
  if (number < 100'000)
    return std::to_string(number);
  for (const char unit : {'K', 'M', 'G'}) {
    number = number / 1000 + (number % 1000 >= 500 ? 1 : 0);
    if (number < 10'000)
      return fmt::format("{}{}", number, unit);
  }
  return fmt::format("{}T", number / 1000 + (number % 1000 >= 500 ? 1 : 0));
}

/// "3 s ago"; `then` in Unix time.
std::string ago_text(std::int64_t then, std::int64_t now) {
  return then > now ? "at a time that this clock has yet to reach" : in_words(seconds(now - then)) + " ago";
}

std::string_view title(Family family) {
  return family == Family::ipv4 ? "IPv4" : "IPv6";
}

Colour colour_of(Standing standing) {
  switch (standing) {
  case Standing::active:
  case Standing::unknown:
    return Colour::plain;
  case Standing::stale:
  case Standing::unconfirmed:
    return Colour::yellow;
  case Standing::missing:
  case Standing::changed:
  case Standing::foreign:
    break;
  }
  return Colour::red;
}

/// "3 entries (2 active, 1 stale) in 5 rules; 120K packets (17 dropped), 90M bytes".
std::string sums_text(const Status& status) {
  std::string standings;
  for (const Standing standing : every_standing)
    if (const auto count = std::ranges::count(status.entries, standing, &StatusEntry::standing))
      standings += fmt::format("{}{} {}", standings.empty() ? "" : ", ", count, name(standing));
  if (standings.empty())
    return "no entries";
  std::size_t rules = 0;
  for (const StatusTable& table : status.tables)
    rules += table.rules;
  const std::size_t entries = status.entries.size();
  return fmt::format("{} {} ({}) in {}; {} packets ({} dropped), {} bytes", entries,
                     entries == 1 ? "entry" : "entries", standings, counted(rules, "rule"),
                     short_number(status.hits.decided.packets), short_number(status.hits.dropped.packets),
                     short_number(status.hits.decided.bytes));
}

std::string table_complaint(const StatusTable& table) {
  std::string text;
  for (const std::string& complaint : table.complaints)
    text += (text.empty() ? "" : "; ") + complaint;
  if (table.added + table.removed > 0)
    text += fmt::format("{}a pass would place {} and remove {}", text.empty() ? "" : "; ",
                        counted(table.added, "rule"), table.removed);
  return text.empty()
             ? text
             : fmt::format("{}{}: {}", table.family == Family::ipv4 ? "" : "IPv6 ", table.table, text);
}

std::string head_text(const Status& status, bool coloured) {
  std::string text;
  const auto line = [&](std::string_view words, Colour colour = Colour::plain) {
    text += painted(one_line(words), colour, coloured) + "\n";
  };
  line(fmt::format("{}: {}", status.chain, sums_text(status)));
  const auto passed = [&](std::string_view who, const Counters& counters) {
    if (counters.packets > 0)
      line(fmt::format("{}: {} packets, {} bytes passed", who, short_number(counters.packets),
                       short_number(counters.bytes)));
  };
  passed("tracked connections", status.tracked);
  passed("protected prefixes", status.spared);
  if (status.last_pass != 0)
    line(fmt::format("last pass {}; last success {}", ago_text(status.last_pass, status.now),
                     status.last_success == 0 ? "never" : ago_text(status.last_success, status.now)));
  if (!status.last_failure.empty())
    line("last pass failed: " + status.last_failure, Colour::red);
  if (!status.not_known.empty())
    line(fmt::format("{}: routes and peers are not known until the next pass", status.not_known),
         Colour::yellow);
  for (const StatusTable& table : status.tables)
    if (const std::string complaint = table_complaint(table); !complaint.empty())
      line(complaint, Colour::red);
  return text;
}

std::string standing_text(const StatusEntry& entry) {
  const bool counts = entry.standing == Standing::stale || entry.standing == Standing::unconfirmed;
  return counts && entry.held ? fmt::format("{} {}", name(entry.standing), in_words(*entry.held))
                              : std::string(name(entry.standing));
}

std::vector<Cell> row_of(const StatusEntry& entry) {
  const bool default_policy = entry.entry && is_default_policy(entry.entry->match);
  std::string what;
  if (entry.entry)
    what = to_string(entry.entry->match);
  else if (!entry.rules.empty())
    what = entry.rules.front() +
           (entry.rules.size() == 1 ? "" : " and " + counted(entry.rules.size() - 1, "more rule"));
  const auto plain = [](const std::string& text) { return Cell{one_line(text)}; };
  return {plain(std::to_string(entry.number)),
          plain(default_policy   ? "default"
                : entry.sequence ? std::to_string(*entry.sequence)
                                 : "-"),
          plain(short_number(entry.hits.decided.packets)),
          plain(short_number(entry.hits.decided.bytes)),
          plain(entry.age ? age_text(*entry.age) : "-"),
          {standing_text(entry), colour_of(entry.standing)},
          plain(entry.from.empty() ? "-" : fmt::format("{}", fmt::join(entry.from, ","))),
          plain(entry.entry ? to_string(entry.entry->actions) : "-"),
          plain(what)};
}

std::string entries_text(const Status& status, Family family, bool coloured) {
  std::vector<std::vector<Cell>> rows;
  for (const StatusEntry& entry : status.entries)
    if (entry.family == family)
      rows.push_back(row_of(entry));
  if (rows.empty())
    return "";
  const std::vector<Column> columns = {{"#", Align::right},
                                       {"SEQ", Align::right},
                                       {"PACKETS", Align::right},
                                       {"BYTES", Align::right},
                                       {"AGE", Align::right},
                                       {"STATE"},
                                       {"FROM"},
                                       {"ACTION"},
                                       {"MATCH"}};
  return table_text(columns, rows, coloured);
}

std::string peers_text(const StatusFamily& family, bool coloured) {
  std::vector<std::vector<Cell>> rows;
  for (const StatusPeer& shown : family.peers)
    rows.push_back({{one_line(shown.peer.address)},
                    {one_line(shown.peer.state), shown.peer.established() ? Colour::plain : Colour::yellow},
                    {shown.uptime ? age_text(*shown.uptime) : "-"},
                    {std::to_string(shown.peer.prefixes_received)},
                    {std::to_string(shown.held)}});
  if (rows.empty())
    return "";
  return table_text({{"PEER"}, {"STATE"}, {"UP"}, {"RECEIVED", Align::right}, {"HELD", Align::right}}, rows,
                    coloured);
}

std::string family_text(const Status& status, Family family, bool coloured) {
  const auto known = std::ranges::find(status.families, family, &StatusFamily::family);
  const std::string entries = entries_text(status, family, coloured);
  if (known == status.families.end())
    return entries.empty() ? "" : fmt::format("\n{}: what the kernel holds\n{}", title(family), entries);
  const std::string heading = fmt::format(
      "{}: {} from {}, {}read {} ago", title(family), counted(known->routes, "route"), known->source,
      known->held == 0 ? "" : fmt::format("{} held, ", known->held), in_words(known->polled));
  const std::string peers = peers_text(*known, coloured);
  return fmt::format("\n{}\n{}{}{}", one_line(heading), peers, peers.empty() || entries.empty() ? "" : "\n",
                     entries);
}

} // namespace

std::string status_text(const Status& status, bool coloured) {
  std::string text = head_text(status, coloured);
  for (const Family family : {Family::ipv4, Family::ipv6})
    text += family_text(status, family, coloured);
  if (!status.rejected.empty() || !status.remarks.empty() || !status.aside.empty())
    text += "\n";
  for (const Rejected& rejected : status.rejected)
    text += fmt::format("rejected: {}\n", one_line(to_string(rejected)));
  for (const Rejected& remark : status.remarks)
    text += fmt::format("note: {}\n", one_line(to_string(remark)));
  return text + aside_text(status.aside, "");
}

} // namespace flowspec
