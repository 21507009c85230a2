// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/packet_box.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace flowspec {

namespace {

using Numeric = std::optional<ValueSet> Box::*;

/// The protocol goes first: the conditions behind it mean something for some protocols only.
constexpr std::array<Numeric, 7> numeric_conditions{
    &Box::protocol,  &Box::destination_port, &Box::source_port, &Box::icmp_type,
    &Box::icmp_code, &Box::packet_length,    &Box::dscp};

const Prefix* narrower(const Prefix& a, const Prefix& b) {
  return a.contains(b) ? &b : b.contains(a) ? &a : nullptr;
}

bool wildcard(const std::string& name) {
  return name.ends_with('+');
}

std::string_view stem(const std::string& name) {
  return std::string_view(name).substr(0, name.size() - 1);
}

/// The names that are in both; none when there are none.
std::optional<std::string> common_names(const std::string& a, const std::string& b) {
  if (names_cover(a, b))
    return b;
  if (names_cover(b, a))
    return a;
  return std::nullopt;
}

void add_sorted(std::vector<std::string>& names, const std::string& name) {
  const auto place = std::ranges::lower_bound(names, name);
  if (place == names.end() || *place != name)
    names.insert(place, name);
}

/// Makes `condition` the conjunction of both; false when nothing is left.
bool narrow(InterfaceCondition& condition, const InterfaceCondition& other) {
  const auto common = common_names(condition.is, other.is);
  if (!common)
    return false;
  InterfaceCondition result{*common, {}};
  for (const auto* names : {&std::as_const(condition).is_not, &other.is_not})
    for (const std::string& name : *names) {
      if (names_cover(name, result.is))
        return false;
      if (common_names(name, result.is))
        add_sorted(result.is_not, name);
    }
  condition = std::move(result);
  return true;
}

/// The same for sets; a set that is absent is the whole domain.
bool narrow(std::optional<ValueSet>& condition, const std::optional<ValueSet>& other) {
  if (!other)
    return true;
  if (!condition) {
    condition = other;
  } else if (*condition != *other) {
    condition = *condition & *other;
  }
  return !condition->empty();
}

bool disjoint(const std::optional<ValueSet>& a, const std::optional<ValueSet>& b) {
  if (!a || !b)
    return false;
  auto left = a->intervals().begin();
  auto right = b->intervals().begin();
  while (left != a->intervals().end() && right != b->intervals().end()) {
    if (left->last < right->first)
      ++left;
    else if (right->last < left->first)
      ++right;
    else
      return false;
  }
  return true;
}

void add_ports(std::vector<ValueSet>& ports, const ValueSet& set) {
  for (const ValueSet& present : ports)
    if ((present & set) == present)
      return; // it follows
  std::erase_if(ports, [&set](const ValueSet& present) { return (present & set) == set; });
  ports.push_back(set);
}

/// Prefixes that together hold the addresses of `a` that are not in `b`, which is inside of it.
std::vector<Prefix> outside(const Prefix& a, const Prefix& b) {
  std::vector<Prefix> result;
  for (unsigned length = a.length; length < b.length; ++length) {
    Address other = b.address;
    other.bytes[length / 8] ^= static_cast<std::uint8_t>(0x80U >> length % 8);
    result.push_back(Prefix::masked(other, length + 1));
  }
  return result;
}

bool covers(const std::optional<ValueSet>& outer, const std::optional<ValueSet>& inner) {
  return !outer || (inner && (*outer == *inner || (*outer & *inner) == *inner));
}

bool covers(const InterfaceCondition& outer, const InterfaceCondition& inner) {
  return names_cover(outer.is, inner.is) && std::ranges::all_of(outer.is_not, [&](const std::string& name) {
           return !common_names(name, inner.is) ||
                  std::ranges::any_of(inner.is_not,
                                      [&](const std::string& left) { return names_cover(left, name); });
         });
}

/// `inner` says that the source or the destination port is in `set`.
bool implies_ports(const Box& inner, const ValueSet& set) {
  const auto within = [&set](const ValueSet& ports) { return (ports & set) == ports; };
  return (inner.source_port && within(*inner.source_port)) ||
         (inner.destination_port && within(*inner.destination_port)) ||
         std::ranges::any_of(inner.ports, within);
}

/// Cuts what is not in one condition after the other off `rest`, until `rest` is inside of `cut`.
class Difference {
 public:
  Difference(const Box& a, const Box& b) : rest_(a), cut_(b) {}

  std::vector<Box> compute() {
    addresses(&Box::destination);
    addresses(&Box::source);
    numbers(&Box::protocol);
    bits(&Box::positions);
    for (const Numeric condition : numeric_conditions)
      numbers(condition);
    either_ports();
    flags();
    bits(&Box::states);
    interface(&Box::in);
    interface(&Box::out);
    return std::move(pieces_);
  }

 private:
  Box& piece() { return pieces_.emplace_back(rest_); }

  void addresses(Prefix Box::*side) {
    if ((cut_.*side).contains(rest_.*side))
      return;
    for (const Prefix& prefix : outside(rest_.*side, cut_.*side))
      piece().*side = prefix;
    rest_.*side = cut_.*side;
  }

  void numbers(Numeric condition) {
    const auto& cut = cut_.*condition;
    if (!cut)
      return;
    ValueSet left = cut->complement();
    if (rest_.*condition)
      left = left & *(rest_.*condition);
    if (!left.empty())
      piece().*condition = std::move(left);
    narrow(rest_.*condition, cut);
  }

  template <typename Bits>
  void bits(Bits Box::*condition) {
    const auto left = static_cast<Bits>(rest_.*condition & ~(cut_.*condition));
    if (left != 0)
      piece().*condition = left;
    rest_.*condition = static_cast<Bits>(rest_.*condition & cut_.*condition);
  }

  /// Outside is where neither port is in the set.
  void either_ports() {
    for (const ValueSet& set : cut_.ports) {
      if (implies_ports(rest_, set))
        continue;
      Box outside = rest_;
      const std::optional<ValueSet> others = set.complement();
      if (narrow(outside.source_port, others) && narrow(outside.destination_port, others) && !set.full())
        pieces_.push_back(std::move(outside));
      add_ports(rest_.ports, set);
    }
  }

  void flags() {
    if (!cut_.tcp_flags)
      return;
    const FlagPatterns left = rest_.tcp_flags ? *rest_.tcp_flags & ~*cut_.tcp_flags : ~*cut_.tcp_flags;
    if (left.any())
      piece().tcp_flags = left;
    rest_.tcp_flags = rest_.tcp_flags ? *rest_.tcp_flags & *cut_.tcp_flags : *cut_.tcp_flags;
  }

  void interface(InterfaceCondition Box::*side) {
    const InterfaceCondition& cut = cut_.*side;
    if (!names_cover(cut.is, (rest_.*side).is)) {
      narrow(piece().*side, {"", {cut.is}});
      (rest_.*side).is = cut.is;
    }
    for (const std::string& name : cut.is_not) {
      // What carries that name is outside of the cut, unless it is outside of the rest too.
      if (!narrow(piece().*side, {name, {}}))
        pieces_.pop_back();
      narrow(rest_.*side, {"", {name}});
    }
  }

  Box rest_;
  const Box& cut_;
  std::vector<Box> pieces_;
};

} // namespace

bool is_every_packet(const Box& box) {
  return box.destination.length == 0 && box.source.length == 0 && box == Box(box.family());
}

bool names_cover(const std::string& wide, const std::string& narrow) {
  return wide.empty() || wide == narrow || (wildcard(wide) && narrow.starts_with(stem(wide)));
}

bool disjoint(const Box& a, const Box& b) {
  return narrower(a.destination, b.destination) == nullptr || narrower(a.source, b.source) == nullptr ||
         (a.positions & b.positions) == 0 || (a.states & b.states) == 0 ||
         std::ranges::any_of(numeric_conditions, [&](Numeric c) { return disjoint(a.*c, b.*c); }) ||
         (a.tcp_flags && b.tcp_flags && (*a.tcp_flags & *b.tcp_flags).none()) ||
         !common_names(a.in.is, b.in.is) || !common_names(a.out.is, b.out.is);
}

std::optional<Box> intersection(const Box& a, const Box& b) {
  if (disjoint(a, b))
    return std::nullopt;
  Box result = a;
  result.destination = *narrower(a.destination, b.destination);
  result.source = *narrower(a.source, b.source);
  result.positions &= b.positions;
  result.states &= b.states;
  for (const Numeric condition : numeric_conditions)
    if (!narrow(result.*condition, b.*condition))
      return std::nullopt;
  for (const ValueSet& set : b.ports)
    add_ports(result.ports, set);
  if (b.tcp_flags) {
    result.tcp_flags = result.tcp_flags ? *result.tcp_flags & *b.tcp_flags : *b.tcp_flags;
    if (result.tcp_flags->none())
      return std::nullopt;
  }
  if ((!b.in.any() && !narrow(result.in, b.in)) || (!b.out.any() && !narrow(result.out, b.out)))
    return std::nullopt;
  return result;
}

std::vector<Box> intersection(std::span<const Box> a, std::span<const Box> b) {
  std::vector<Box> result;
  for (const Box& left : a)
    for (const Box& right : b)
      if (auto common = intersection(left, right))
        result.push_back(std::move(*common));
  return result;
}

std::vector<Box> difference(const Box& a, const Box& b) {
  if (!intersection(a, b))
    return {a};
  return Difference(a, b).compute();
}

bool covers(const Box& outer, const Box& inner) {
  return outer.destination.contains(inner.destination) && outer.source.contains(inner.source) &&
         (inner.positions & ~outer.positions) == 0 && (inner.states & ~outer.states) == 0 &&
         std::ranges::all_of(numeric_conditions, [&](Numeric c) { return covers(outer.*c, inner.*c); }) &&
         std::ranges::all_of(outer.ports, [&](const ValueSet& set) { return implies_ports(inner, set); }) &&
         (!outer.tcp_flags || (inner.tcp_flags && (*inner.tcp_flags & ~*outer.tcp_flags).none())) &&
         covers(outer.in, inner.in) && covers(outer.out, inner.out);
}

} // namespace flowspec
