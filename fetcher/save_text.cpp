// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/save_text.hpp"

#include "common/error.hpp"
#include "common/printable.hpp"
#include "fetcher/connection_tracking.hpp"
#include "fetcher/save_line.hpp"
#include "fetcher/save_rule.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <utility>

namespace flowspec {

namespace {

/// "[12:3456]", the counters of a policy or a rule.
bool is_counters(std::string_view word) {
  constexpr std::string_view digits = "0123456789";
  const std::size_t colon = word.find(':');
  if (colon == std::string_view::npos || !word.starts_with('[') || !word.ends_with(']'))
    return false;
  const std::string_view packets = word.substr(1, colon - 1);
  const std::string_view bytes = word.substr(colon + 1, word.size() - colon - 2);
  return !packets.empty() && !bytes.empty() && packets.find_first_not_of(digits) == std::string_view::npos &&
         bytes.find_first_not_of(digits) == std::string_view::npos;
}

/// Reads a text line by line; keeps the filter table and checks the shape of the others.
class SaveReader {
 public:
  explicit SaveReader(Family family) { table_.ruleset.family = family; }

  SavedTable read(std::string_view text) {
    SaveLines lines(text);
    while (const auto line = lines.next())
      read_line(*line);
    take_warnings(lines.remarks());
    if (in_table_)
      throw Error(
          fmt::format("line {}: the text ends inside table {}, without COMMIT", lines.number(), current_));
    if (!filter_seen_)
      throw Error("no table *filter in the text");
    return std::move(table_);
  }

 private:
  void read_line(const SaveLine& line) {
    const SaveWord& first = line.words.front();
    const auto begins = [&first](char c) { return !first.quoted && first.text.starts_with(c); };
    if (begins('*') && line.words.size() == 1)
      begin_table(line, first.text.substr(1));
    else if (!in_table_)
      throw not_a_line(line, "outside of a table");
    else if (first.text == "COMMIT" && line.words.size() == 1)
      in_table_ = false;
    else if (begins(':'))
      declare_chain(line);
    else
      add_rule(line);
  }

  /// "# Table `filter' is incompatible, use 'nft' tool." and its like stand in the text; that there are
  /// tables of iptables-legacy too goes to standard error, and may be in a file that has both.
  void take_warnings(const std::vector<std::string_view>& remarks) {
    for (const std::string_view remark : remarks) {
      if (remark.starts_with("# Table `filter' "))
        throw Error(
            fmt::format("not all of the filter table is in the text: {}", printable(remark.substr(2))));
      if (remark.starts_with("# Table `") || remark.starts_with("# Warning: "))
        table_.warnings.emplace_back(remark.substr(2));
    }
  }

  void begin_table(const SaveLine& line, const std::string& name) {
    if (in_table_)
      throw Error(fmt::format("line {}: table {} begins before table {} has its COMMIT", line.number, name,
                              current_));
    if (name == "filter" && std::exchange(filter_seen_, true))
      throw Error(fmt::format("line {}: a second table *filter", line.number));
    in_table_ = true;
    current_ = name;
    declared_.clear();
  }

  /// ":FORWARD DROP [0:0]", or ":mine - [0:0]" for a chain of the user's.
  void declare_chain(const SaveLine& line) {
    const auto& words = line.words;
    const std::string name = words[0].text.substr(1);
    if (words.size() != 3 || name.empty() || !is_counters(words[2].text))
      throw not_a_line(line, "that declares a chain");
    Chain chain{name, std::nullopt, {}};
    if (words[1].text == "ACCEPT")
      chain.policy = Verdict::accept;
    else if (words[1].text == "DROP")
      chain.policy = Verdict::drop;
    else if (words[1].text != "-")
      throw not_a_line(line, "that declares a chain");
    if (!declared_.emplace(name, table_.ruleset.chains.size()).second)
      throw Error(fmt::format("line {}: chain {} is declared twice", line.number, name));
    if (current_ == "filter")
      table_.ruleset.chains.push_back(std::move(chain));
  }

  void add_rule(const SaveLine& line) {
    std::span<const SaveWord> words = line.words;
    std::string_view text = line.text;
    if (!words.front().quoted && is_counters(words.front().text)) {
      text.remove_prefix(text.find(']') + 1);
      words = words.subspan(1);
    }
    if (words.size() < 2 || words[0].quoted || words[0].text != "-A")
      throw not_a_line(line, "of iptables-save");
    const std::string& name = words[1].text;
    const auto chain = declared_.find(name);
    if (chain == declared_.end())
      throw Error(fmt::format("line {}: a rule of chain {}, which was not declared", line.number, name));
    const auto is_chain = [this](std::string_view target) { return declared_.contains(target); };
    Ruleset& ruleset = table_.ruleset;
    Rule rule = read_rule(words.subspan(2), ruleset.family, is_chain);
    table_.connections_tracked = table_.connections_tracked || tracks_connections(rule);
    if (current_ != "filter")
      return;
    ruleset.chains[chain->second].rules.push_back(std::move(rule));
    text.remove_prefix(std::min(text.find("-A"), text.size()));
    table_.rules[name].push_back({line.number, std::string(text)});
  }

  static Error not_a_line(const SaveLine& line, std::string_view what) {
    return Error(fmt::format("line {}: this is no line {}: {}", line.number, what,
                             printable(line.text.substr(0, 60))));
  }

  SavedTable table_;
  bool in_table_ = false;
  bool filter_seen_ = false;
  std::string current_; ///< the table that we are in
  std::map<std::string, std::size_t, std::less<>>
      declared_; ///< its chains; where they are in the filter table
};

} // namespace

SavedTable parse_saved_table(std::string_view text, Family family) {
  const auto printed_by = [text](std::string_view program) { // its name may go on: iptables-nft-save
    const std::string header = fmt::format("# Generated by {}", program);
    return text.starts_with(header) || text.find('\n' + header) != std::string_view::npos;
  };
  if (family == Family::ipv4 && printed_by("ip6tables"))
    throw Error("these are the IPv6 rules that ip6tables-save prints, where IPv4 rules are read");
  if (family == Family::ipv6 && printed_by("iptables"))
    throw Error("these are the IPv4 rules that iptables-save prints, where IPv6 rules are read");
  return SaveReader(family).read(text);
}

Ruleset parse_save(std::string_view text, Family family) {
  return parse_saved_table(text, family).ruleset;
}

} // namespace flowspec
