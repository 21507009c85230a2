// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/bird_flow_parser.hpp"

#include "common/entry.hpp"
#include "fetcher/bird_pairs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace flowspec {

namespace {

/// Words that a component begins with, and the largest number that BIRD takes in it.
struct ComponentWords {
  std::string_view first;
  std::string_view second; ///< empty for none
  std::uint8_t type;
  std::uint32_t max;
};

constexpr std::array components{
    ComponentWords{"dst", "", flow_type::destination, 0},
    ComponentWords{"src", "", flow_type::source, 0},
    ComponentWords{"proto", "", 3, domain::protocol},
    ComponentWords{"next", "header", 3, domain::protocol},
    ComponentWords{"port", "", 4, domain::port},
    ComponentWords{"dport", "", 5, domain::port},
    ComponentWords{"sport", "", 6, domain::port},
    ComponentWords{"icmp", "type", 7, domain::icmp},
    ComponentWords{"icmp", "code", 8, domain::icmp},
    ComponentWords{"tcp", "flags", flow_type::tcp_flags, 0xffff},
    ComponentWords{"length", "", 10, domain::packet_length},
    ComponentWords{"dscp", "", 11, domain::dscp},
    ComponentWords{"fragment", "", flow_type::fragment, 0},
    ComponentWords{"label", "", flow_type::flow_label, 0xffffffff},
};

/// Reads a flow; `false` from a member means that BIRD refuses what comes next.
class FlowParser {
 public:
  FlowParser(std::span<const BirdToken> tokens, const BirdConstants& constants)
      : values_(tokens, constants, result_.complaints) {}

  ParsedFlow parse() {
    flow_.family = values_.accept("flow4") ? Family::ipv4 : Family::ipv6;
    if (flow_.family == Family::ipv6)
      values_.accept("flow6");
    const bool read = values_.expect("{") && items() && check_whole();
    std::ranges::sort(flow_.components, {}, &FlowComponent::type);
    if (read)
      result_.flow = std::move(flow_);
    result_.end = values_.position();
    return std::move(result_);
  }

 private:
  bool items() {
    while (!values_.accept("}"))
      if (!item())
        return false;
    return true;
  }

  bool item() {
    const auto words = std::ranges::find_if(components, [this](const ComponentWords& candidate) {
      return values_.peek().is(candidate.first) &&
             (candidate.second.empty() || values_.peek(1).is(candidate.second));
    });
    if (words == components.end())
      return values_.unexpected();
    values_.skip(words->second.empty() ? 1 : 2);
    FlowComponent component{words->type, {}, {}};
    return content(component, words->max) && values_.expect(";") && add(std::move(component));
  }

  bool content(FlowComponent& component, std::uint32_t max) {
    if (component.type <= flow_type::source)
      return values_.prefix(flow_.family, component.prefix);
    if (component.type == flow_type::tcp_flags)
      return read_tcp_flags(values_, component.pairs);
    if (component.type == flow_type::fragment)
      return read_fragment(values_, component.pairs);
    return read_numbers(values_, max, component.pairs);
  }

  /// BIRD joins a component to one of the same type directly before it, by OR, and drops it further on.
  /// Behind one that was dropped, or had nothing in it, its bytes go astray.
  bool add(FlowComponent component) {
    auto& all = flow_.components;
    const auto same = std::ranges::find(all, component.type, &FlowComponent::type);
    const bool directly = std::exchange(last_, component.type) == component.type;
    const bool behind_taken = std::exchange(last_was_taken_, true) && same != all.end();
    const bool prefix = component.type <= flow_type::source;
    if (same == all.end() && !directly) {
      if (prefix || !component.pairs.empty())
        all.push_back(std::move(component));
    } else if (directly && behind_taken && !prefix) {
      same->pairs.insert(same->pairs.end(), component.pairs.begin(), component.pairs.end());
    } else {
      last_was_taken_ = false;
      flow_.garbled = flow_.garbled || (directly && !behind_taken && !prefix);
      values_.complain(LintKind::misread,
                       fmt::format("{} comes again, and BIRD {}", flow_words[component.type - 1U],
                                   flow_.garbled ? "garbles the route" : "announces the first only"));
    }
    return true;
  }

  /// What BIRD finds when it has the route together.
  bool check_whole() {
    for (const FlowComponent& component : flow_.components) {
      if (component.type == flow_type::flow_label && flow_.family == Family::ipv4)
        return values_.refuse("a flow label in IPv4");
      if (component.type == flow_type::fragment && flow_.family == Family::ipv6 &&
          std::ranges::count(component.pairs, fragment_bit::dont_fragment, &FlowPair::value) != 0)
        return values_.refuse("IPv6 has no dont_fragment");
      if (!component.pairs.empty() && (component.pairs.front().op & flow_operator::and_with_previous) != 0)
        return values_.refuse(fmt::format("{}: && behind nothing", flow_words[component.type - 1U]));
    }
    return true;
  }

  ParsedFlow result_;
  BirdFlow flow_;
  BirdValues values_;
  std::uint8_t last_ = 0; ///< type of the item before
  bool last_was_taken_ = true;
};

} // namespace

bool begins_flow(std::span<const BirdToken> tokens) {
  return tokens.size() >= 2 && (tokens[0].is("flow4") || tokens[0].is("flow6")) && tokens[1].is("{");
}

ParsedFlow parse_flow(std::span<const BirdToken> tokens, const BirdConstants& constants) {
  return FlowParser(tokens, constants).parse();
}

} // namespace flowspec
