// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/rule_option.hpp"

#include "common/entry.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace flowspec {

namespace {

/// An option that the matches and targets of rule.hpp have.
struct Form {
  std::string_view name;    ///< as iptables-save writes it
  std::string_view synonym; ///< what iptables takes too
  unsigned values;          ///< how many words follow it
  std::string_view
      owners{}; ///< the matches that have it, a space around each; empty: every rule's, or a target's
};

constexpr std::array forms{
    Form{"-s", "--source", 1},
    Form{"-s", "--src", 1},
    Form{"-d", "--destination", 1},
    Form{"-d", "--dst", 1},
    Form{"-p", "--protocol", 1},
    Form{"-p", "--proto", 1},
    Form{"-i", "--in-interface", 1},
    Form{"-o", "--out-interface", 1},
    Form{"-f", "--fragment", 0},
    Form{"-m", "--match", 1},
    Form{"-j", "--jump", 1},
    Form{"-g", "--goto", 1},
    Form{"--reject-with", "", 1},
    Form{"--set-dscp", "", 1},
    Form{"--set-xmark", "", 1},
    Form{"--nflog-prefix", "", 1},
    Form{"--nflog-group", "", 1},
    Form{"--sport", "--source-port", 1, " tcp udp "},
    Form{"--dport", "--destination-port", 1, " tcp udp "},
    Form{"--tcp-flags", "", 2, " tcp "},
    Form{"--syn", "", 0, " tcp "},
    Form{"--tcp-option", "", 1, " tcp "},
    Form{"--icmp-type", "", 1, " icmp "},
    Form{"--icmpv6-type", "", 1, " icmp6 "},
    Form{"--sports", "--source-ports", 1, " multiport "},
    Form{"--dports", "--destination-ports", 1, " multiport "},
    Form{"--ports", "", 1, " multiport "},
    Form{"--ctstate", "", 1, " conntrack "},
    Form{"--state", "", 1, " state "},
    Form{"--comment", "", 1, " comment "},
    Form{"--u32", "", 1, " u32 "},
    Form{"--length", "", 1, " length "},
    Form{"--dscp", "", 1, " dscp "},
    Form{"--dscp-class", "", 1, " dscp "},
    Form{"--tos", "", 1, " tos "},
    Form{"--src-range", "", 1, " iprange "},
    Form{"--dst-range", "", 1, " iprange "},
    Form{"--fragfirst", "", 0, " frag "},
    Form{"--fragmore", "", 0, " frag "},
    Form{"--fraglast", "", 0, " frag "},
    Form{"--header", "", 1, " ipv6header "},
    Form{"--soft", "", 0, " ipv6header "},
    Form{"--hashlimit-upto", "", 1, " hashlimit "},
    Form{"--hashlimit-above", "", 1, " hashlimit "},
    Form{"--hashlimit-burst", "", 1, " hashlimit "},
    Form{"--hashlimit-mode", "", 1, " hashlimit "},
    Form{"--hashlimit-name", "", 1, " hashlimit "},
    Form{"--hashlimit-srcmask", "", 1, " hashlimit "},
    Form{"--hashlimit-dstmask", "", 1, " hashlimit "},
    Form{"--hashlimit-htable-size", "", 1, " hashlimit "},
    Form{"--hashlimit-htable-max", "", 1, " hashlimit "},
    Form{"--hashlimit-htable-gcinterval", "", 1, " hashlimit "},
    Form{"--hashlimit-htable-expire", "", 1, " hashlimit "},
    Form{"--hashlimit-rate-match", "", 0, " hashlimit "},
    Form{"--hashlimit-rate-interval", "", 1, " hashlimit "},
};

const Form* find_form(std::string_view name) {
  const auto* form = std::ranges::find_if(
      forms, [name](const Form& f) { return f.name == name || (!f.synonym.empty() && f.synonym == name); });
  return form == forms.end() ? nullptr : form;
}

} // namespace

const std::string& RuleOption::value() const {
  if (values.empty())
    throw UnreadablePart(fmt::format("{} without a value", name));
  return values.front();
}

void RuleOption::must_be_plain() const {
  if (negated)
    throw UnreadablePart(fmt::format("! {}", name));
}

std::vector<RuleOption> split_options(std::span<const SaveWord> words) {
  std::vector<RuleOption> options;
  std::size_t at = 0;
  while (at < words.size()) {
    RuleOption option;
    option.negated = words[at].leads_option() && words[at].text == "!" && at + 1 < words.size();
    if (option.negated)
      ++at;
    const SaveWord& word = words[at++];
    option.name = word.text;
    const Form* form = word.leads_option() ? find_form(word.text) : nullptr;
    option.known = form != nullptr;
    if (form) {
      option.name = form->name;
      for (unsigned i = 0; i < form->values && at < words.size(); ++i)
        option.values.push_back(words[at++].text);
    } else if (word.leads_option()) {
      while (at < words.size() && !words[at].leads_option())
        option.values.push_back(words[at++].text);
    }
    options.push_back(std::move(option));
  }
  return options;
}

bool has_option(std::string_view match, std::string_view option) {
  const Form* form = find_form(option);
  return form && form->owners.find(fmt::format(" {} ", match)) != std::string_view::npos;
}

std::string_view implied_match(const RuleOption& option, std::uint8_t protocol) {
  const std::string_view match = protocol == protocol::tcp      ? "tcp"
                                 : protocol == protocol::udp    ? "udp"
                                 : protocol == protocol::icmp   ? "icmp"
                                 : protocol == protocol::icmpv6 ? "icmp6"
                                                                : "";
  return has_option(match, option.name) ? match : "";
}

std::uint64_t number(std::string_view text, std::uint64_t max, std::string_view what) {
  const bool hexadecimal = text.starts_with("0x");
  const std::string_view digits = hexadecimal ? text.substr(2) : text;
  std::uint64_t value = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, hexadecimal ? 16 : 10);
  // iptables takes a leading 0 for an octal number, people do not, and iptables-save never writes one.
  const bool octal = !hexadecimal && digits.size() > 1 && digits.front() == '0';
  if (error != std::errc{} || end != digits.data() + digits.size() || octal)
    throw UnreadablePart(fmt::format("{} \"{}\" is no number", what, text));
  if (value > max)
    throw UnreadablePart(fmt::format("{} {} is over {}", what, text, max));
  return value;
}

std::string upper(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    if (c >= 'a' && c <= 'z')
      c = static_cast<char>(c - 'a' + 'A');
  return result;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (std::size_t start = 0;;) {
    const std::size_t end = text.find(separator, start);
    parts.push_back(text.substr(start, end - start));
    if (end == std::string_view::npos)
      return parts;
    start = end + 1;
  }
}

} // namespace flowspec
