// SPDX-License-Identifier: GPL-2.0-or-later
//
// The order of what a rule asks is that of examine(): addresses and protocol, the IP header, the fragment,
// the transport header. The kernel discards a packet as soon as a match would have to look at what is not
// there, so the order decides which packets those are.
#include "injector/conditions.hpp"

#include "common/decide.hpp"
#include "injector/fragment_matches.hpp"
#include "injector/transport_matches.hpp"
#include "injector/u32_tests.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <span>
#include <utility>

namespace flowspec {

namespace {

constexpr std::size_t readable_values = 2; ///< more protocols than this go into one u32 test, where it can
constexpr std::size_t most_flat_rules = 4096;

using Matches = std::vector<Match>;

/// One of several ways to hold, or none of several ways not to.
struct Choice {
  std::vector<Matches> meet;
  std::vector<Matches> leave;
};

void add(Condition& condition, const Matches& matches) {
  condition.matches.insert(condition.matches.end(), matches.begin(), matches.end());
}

Condition with(Condition condition, const Matches& matches) {
  add(condition, matches);
  return condition;
}

/// Each condition with each alternative.
std::vector<Condition> product(std::span<const Condition> conditions, const std::vector<Matches>& meet) {
  std::vector<Condition> result;
  result.reserve(conditions.size() * meet.size());
  for (const Condition& condition : conditions)
    for (const Matches& matches : meet)
      result.push_back(with(condition, matches));
  return result;
}

/// The same of those from `begin` on, in place.
void multiply(std::vector<Condition>& conditions, std::size_t begin, const std::vector<Matches>& meet) {
  if (meet.size() == 1) { // by far the most
    for (std::size_t at = begin; at < conditions.size(); ++at)
      add(conditions[at], meet.front());
    return;
  }
  std::vector<Condition> each = product(std::span(conditions).subspan(begin), meet);
  conditions.resize(begin);
  std::move(each.begin(), each.end(), std::back_inserter(conditions));
}

/// Numbers of extension headers count as neither in nor out: they are never the upper layer.
const ValueSet& never_upper_layer() {
  static const ValueSet numbers = extension_headers();
  return numbers;
}

class Selector {
 public:
  explicit Selector(const Components& match, std::vector<Transport> transports)
      : match_(match), transports_(std::move(transports)) {
    if (match.destination && match.destination->length > 0)
      base_.destination = match.destination;
    if (match.source && match.source->length > 0)
      base_.source = match.source;
    protocols();
    ip_header();
    fragment();
  }

  /// Once.
  std::variant<Selection, Unsayable> select(Shape shape) {
    if (unsayable_)
      return std::move(*unsayable_);
    const std::optional<std::size_t> flat_size = count_flat();
    if (shape == Shape::flat) {
      if (!flat_size)
        return Unsayable{"it needs a chain that returns, and an action that leaves more than that chain"};
      if (*flat_size > most_flat_rules)
        return Unsayable{fmt::format("{} rules, where {} are the limit", *flat_size, most_flat_rules)};
      return flat(*flat_size);
    }
    if (flat_size && *flat_size <= upper_.size()) // no chain has fewer, for each of them enters it
      return flat(*flat_size);
    Selection chained = chain();
    if (flat_size && *flat_size <= chained.size())
      return flat(*flat_size);
    return chained;
  }

  bool flat_is_sayable() const {
    const std::optional<std::size_t> size = count_flat();
    return !unsayable_ && size && *size <= most_flat_rules;
  }

 private:
  // What the components ask

  /// A transport component names its protocols; else the protocol component does.
  void protocols() {
    if (!transports_.empty()) {
      for (const Transport& transport : transports_)
        enter(transport.protocol);
      return;
    }
    if (!match_.protocol) {
      upper_.push_back(base_);
      return;
    }
    const bool v6 = match_.family == Family::ipv6;
    if (match_.protocol->size() == 1) // what is below would find the same: these are by far the most
      if (const std::uint32_t only = match_.protocol->intervals().front().first;
          only != 0 && !(v6 && never_upper_layer().contains(only)))
        return enter(static_cast<std::uint8_t>(only));
    const ValueSet wanted = v6 ? *match_.protocol & never_upper_layer().complement() : *match_.protocol;
    const ValueSet others =
        v6 ? (*match_.protocol | never_upper_layer()).complement() : match_.protocol->complement();
    if (others.empty())
      upper_.push_back(base_);
    else if (others.size() == 1 && !others.contains(0)) // `-p 0` means any protocol
      enter(static_cast<std::uint8_t>(others.intervals().front().first), true);
    else if (v6)
      several_protocols(wanted, others);
    else if (wanted.size() <= readable_values && !wanted.contains(0))
      for_each(wanted, [this](std::uint8_t number) { enter(number); });
    else {
      by_u32(Field::protocol, wanted);
      upper_.push_back(base_);
    }
  }

  /// u32 cannot follow extension headers: a rule for each, or a way out for each of the others.
  void several_protocols(const ValueSet& wanted, const ValueSet& others) {
    if (wanted.size() <= others.size() + 1) {
      for_each(wanted, [this](std::uint8_t number) { enter(number); });
      return;
    }
    upper_.push_back(base_);
    for_each(others, [this](std::uint8_t number) {
      Condition other;
      other.protocol = number;
      other_protocols_.push_back(std::move(other));
    });
  }

  void ip_header() {
    if (match_.packet_length && !match_.packet_length->full())
      packet_length(*match_.packet_length);
    if (match_.dscp && !match_.dscp->full())
      dscp(*match_.dscp);
    if (match_.flow_label && !match_.flow_label->full())
      by_u32(Field::flow_label, *match_.flow_label);
  }

  void packet_length(const ValueSet& lengths) {
    if (lengths.intervals().size() == 1) {
      const Interval& only = lengths.intervals().front();
      header_.emplace_back(
          LengthMatch{static_cast<std::uint16_t>(only.first), static_cast<std::uint16_t>(only.last), false});
      return;
    }
    if (match_.family == Family::ipv4)
      return by_u32(Field::packet_length, lengths);
    std::vector<Interval> payloads; // IPv6 counts without its header
    constexpr std::uint32_t header = 40;
    for (const Interval& interval : lengths.intervals())
      if (interval.last >= header)
        payloads.push_back({std::max(interval.first, header) - header,
                            interval.last == domain::packet_length ? interval.last : interval.last - header});
    by_u32(Field::packet_length, {domain::packet_length, std::move(payloads)});
  }

  void dscp(const ValueSet& values) {
    const ValueSet others = values.complement();
    if (values.size() != 1 && others.size() != 1)
      return by_u32(Field::dscp, values);
    const ValueSet& single = values.size() == 1 ? values : others;
    header_.emplace_back(
        DscpMatch{static_cast<std::uint8_t>(single.intervals().front().first), values.size() != 1});
  }

  void fragment() {
    if (!match_.fragment)
      return;
    // With a transport header later fragments are excluded anyway; but in IPv4 that must not be left to `-m
    // tcp`, which discards a fragment that begins within the header.
    const bool transport = !transports_.empty() && match_.family == Family::ipv6;
    if (always_holds(*match_.fragment, match_.family, transport))
      return;
    if (match_.family == Family::ipv4)
      return ipv4_fragment(ipv4_fragment_values(*match_.fragment));
    std::optional<FragmentMatches> matches = ipv6_fragment_matches(*match_.fragment, transport);
    if (matches)
      choices_.push_back({std::move(matches->meet), std::move(matches->leave)});
    else
      unsayable_ = Unsayable{"ip6tables has no matches for this combination of fragment bits"};
  }

  void ipv4_fragment(const ValueSet& values) {
    const ValueSet later(0x7fff, {{1, 0x1fff}, {0x2001, 0x3fff}, {0x4001, 0x5fff}, {0x6001, 0x7fff}});
    if (values != later && values != later.complement())
      return by_u32(Field::fragment, values);
    for (Condition& condition : upper_) {
      condition.later_fragments = true;
      condition.later_fragments_negated = values != later;
    }
  }

  // Collecting

  void enter(std::uint8_t protocol, bool negated = false) {
    upper_.push_back(base_);
    upper_.back().protocol = protocol;
    upper_.back().protocol_negated = negated;
  }

  template <class Each>
  static void for_each(const ValueSet& values, Each each) {
    for (const Interval& interval : values.intervals())
      for (std::uint32_t value = interval.first; value <= interval.last; ++value)
        each(static_cast<std::uint8_t>(value));
  }

  /// All fields that take one test share one match; one that takes several is a choice.
  void by_u32(Field field, const ValueSet& values) {
    std::vector<U32Match::Test> tests = u32_tests(field, match_.family, values);
    if (tests.size() == 1) {
      tests_.push_back(std::move(tests.front()));
      return;
    }
    Choice choice;
    choice.leave.emplace_back();
    for (U32Match::Test& test : tests) {
      choice.meet.push_back({U32Match{{test}, false}});
      choice.leave.front().emplace_back(U32Match{{std::move(test)}, true});
    }
    choices_.push_back(std::move(choice));
  }

  Matches header() const {
    Matches matches = header_;
    if (!tests_.empty())
      matches.emplace_back(U32Match{tests_, false});
    return matches;
  }

  // Putting together

  const Transport* transport_of(const Condition& upper) const {
    const auto found = std::find_if(transports_.begin(), transports_.end(),
                                    [&](const Transport& t) { return t.protocol == upper.protocol; });
    return found == transports_.end() ? nullptr : &*found;
  }

  /// None when there is a choice that only a chain can make.
  std::optional<std::size_t> count_flat() const {
    if (!other_protocols_.empty())
      return std::nullopt;
    std::size_t each = 1;
    for (const Choice& choice : choices_) {
      if (choice.meet.empty())
        return std::nullopt;
      each *= choice.meet.size();
    }
    std::size_t sum = 0;
    for (const Condition& upper : upper_) {
      std::size_t own = each;
      if (const Transport* transport = transport_of(upper)) {
        own *= transport->alternatives.size();
        for (const auto& list : transport->port_lists)
          own *= list.size();
      }
      sum += own;
    }
    return sum;
  }

  /// Takes what was collected; `size` is count_flat().
  Selection flat(std::size_t size) {
    Selection selection;
    std::vector<Condition>& conditions = selection.enter;
    conditions.reserve(size);
    const Matches shared = header();
    for (Condition& upper : upper_) {
      const Transport* transport = transport_of(upper);
      const std::size_t begin = conditions.size();
      upper.matches.reserve(shared.size() + choices_.size() + (transport ? most_of(*transport) : 0) +
                            1); // and the comment
      add(upper, shared);
      conditions.push_back(std::move(upper));
      for (const Choice& choice : choices_)
        multiply(conditions, begin, choice.meet);
      if (!transport)
        continue;
      multiply(conditions, begin, transport->alternatives);
      for (const auto& list : transport->port_lists)
        multiply(conditions, begin, alternatives_of(list));
    }
    return selection;
  }

  /// The matches that it takes in one rule, if there is only one.
  static std::size_t most_of(const Transport& transport) {
    return transport.port_lists.size() +
           (transport.alternatives.size() == 1 ? transport.alternatives.front().size() : 0);
  }

  static std::vector<Matches> alternatives_of(const std::vector<MultiportMatch>& list) {
    std::vector<Matches> alternatives;
    for (const MultiportMatch& ports : list)
      alternatives.push_back({ports});
    return alternatives;
  }

  Selection chain() const {
    Selection selection;
    selection.leave = other_protocols_;
    std::vector<Condition> rest{Condition()}; // what no way out says
    if (other_protocols_.empty()) {
      for (const Condition& upper : upper_)
        selection.enter.push_back(with(upper, header()));
    } else {
      selection.enter = upper_;
      rest = {with(Condition(), header())};
    }
    for (const Choice& choice : choices_) {
      if (choice.leave.empty())
        rest = product(rest, choice.meet);
      for (const Matches& matches : choice.leave)
        selection.leave.push_back(with(Condition(), matches));
    }
    for (const Transport& transport : transports_)
      add_transport(transport, rest, selection);
    if (transports_.empty() && !(rest.size() == 1 && rest.front() == Condition()))
      selection.meet = std::move(rest);
    return selection;
  }

  /// The header is asked for on the way out too: else the ports of a cut one would be looked at.
  static void add_transport(const Transport& transport, const std::vector<Condition>& rest,
                            Selection& selection) {
    Condition of_protocol;
    of_protocol.protocol = transport.protocol;
    const Match header = transport.protocol == protocol::tcp ? Match(TcpMatch{}) : Match(UdpMatch{});
    std::vector<Matches> inline_lists;
    for (const auto& list : transport.port_lists) {
      if (list.size() == 1) {
        inline_lists.push_back({list.front()});
        continue;
      }
      Condition out = with(of_protocol, {header});
      for (MultiportMatch ports : list) {
        ports.negated = true;
        out.matches.emplace_back(std::move(ports));
      }
      selection.leave.push_back(std::move(out));
    }
    for (Condition condition : product(rest, transport.alternatives)) {
      condition.protocol = transport.protocol;
      for (const Matches& list : inline_lists)
        condition = with(std::move(condition), list);
      selection.meet.push_back(std::move(condition));
    }
  }

  const Components& match_;
  std::vector<Transport> transports_;
  Condition base_;
  std::vector<Condition> upper_;           ///< the addresses with each protocol
  std::vector<Condition> other_protocols_; ///< IPv6: those that are not meant, when they are fewer
  Matches header_;                         ///< of the IP header
  std::vector<U32Match::Test> tests_;      ///< of the IP header too
  std::vector<Choice> choices_;            ///< of the IP header and the fragment
  std::optional<Unsayable> unsayable_;
};

} // namespace

bool flat_is_sayable(const Components& match) {
  auto transports = transports_of(match);
  auto* found = std::get_if<std::vector<Transport>>(&transports);
  return found != nullptr && Selector(match, std::move(*found)).flat_is_sayable();
}

std::variant<Selection, Unsayable> select(const Components& match, Shape shape) {
  std::variant<std::vector<Transport>, std::string> transports = transports_of(match);
  if (auto* why = std::get_if<std::string>(&transports))
    return Unsayable{std::move(*why)};
  return Selector(match, std::move(std::get<std::vector<Transport>>(transports))).select(shape);
}

} // namespace flowspec
