// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/frr_values.hpp"

#include "common/error.hpp"
#include "common/nlri.hpp"
#include "injector/text_scanner.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <utility>

namespace flowspec {

namespace {

[[noreturn]] void bad_grammar(std::string_view key, std::string_view text) {
  throw Error(
      fmt::format("FRR's flowspec routes: \"{}\" is \"{}\", which is not of FRR's grammar", key, text));
}

/// Reads the components of one path one after another. The first reason not to use the route is kept; the
/// rest is read all the same, since a text outside of the grammar makes the whole answer unbelievable.
class ComponentReader {
 public:
  ComponentReader(const ShownPath& path, Family family, OperatorTable table)
      : path_(path), family_(family), table_(table) {}

  const std::optional<Rejected>& refusal() const { return refusal_; }
  void refuse(Reason reason, std::string detail) {
    if (!refusal_)
      refusal_ = Rejected{shown_match(path_), reason, std::move(detail)};
  }

  /// "A.B.C.D/L", or "ADDR/L/off N" in IPv6. FRR does not clear host bits: they mean nothing (RFC 8955
  /// section 4.2.2.1).
  std::optional<Prefix> prefix(std::size_t type) {
    if (!shown(type))
      return std::nullopt;
    std::string_view plain = text();
    if (family_ == Family::ipv6) {
      const std::size_t at = plain.rfind("/off ");
      if (at == std::string_view::npos)
        bad_grammar(key(), text());
      TextScanner scanner(plain.substr(at + 5));
      plain = plain.substr(0, at);
      const std::optional<std::int64_t> offset = scanner.take_number();
      if (!offset || !scanner.at_end())
        bad_grammar(key(), text());
      if (*offset != 0)
        refuse(Reason::not_enforceable,
               fmt::format("{} {}: FRR misreads a prefix with an offset, so this is not what was announced",
                           key(), text()));
    }
    const std::optional<Prefix> prefix = parse_prefix(plain);
    if (!prefix || prefix->family() != family_)
      bad_grammar(key(), text());
    return prefix;
  }

  /// Items like ">= 80 " joined by ", ". The AND bits are not shown.
  std::optional<ValueSet> values(std::size_t type, std::uint32_t max) {
    if (!shown(type))
      return std::nullopt;
    std::array<NumericTest, max_numeric_tests> tests;
    std::size_t count = 0;
    TextScanner scanner(text());
    do {
      NumericTest test;
      test.less = scanner.take("<");
      test.greater = scanner.take(">");
      test.equal = scanner.take("=");
      if (!scanner.take(" "))
        bad_grammar(key(), text());
      const bool negative = scanner.take("-");
      const std::optional<std::int64_t> value = scanner.take_number();
      if (!value || !scanner.take(" "))
        bad_grammar(key(), text());
      test.value = negative ? -*value : *value;
      if (test.value < 0 || test.value > std::int64_t{max})
        refuse(Reason::value_out_of_range,
               fmt::format("{} \"{}\": {} is not within 0..{}", key(), text(), test.value, max));
      if (count < tests.size())
        tests[count] = test;
      ++count;
    } while (scanner.take(", "));
    if (!scanner.at_end() || count > tests.size())
      bad_grammar(key(), text());
    if (refusal_)
      return std::nullopt;
    const std::span<const NumericTest> shown_tests = std::span(tests).first(count);
    std::optional<NumericReading> reading = joined_reading(shown_tests, max, table_);
    if (!reading) {
      refuse(Reason::ambiguous_operators,
             fmt::format(
                 "{} \"{}\": FRR hides which of these are joined by AND, and there is not exactly one useful "
                 "way to read them",
                 key(), text()));
      return std::nullopt;
    }
    add_announced(announced_, static_cast<std::uint8_t>(type), shown_tests, *reading);
    return std::move(reading->values);
  }

  /// Items like "= 2" or "∋ ! 16" joined by ",&" or ",|".
  std::optional<BitTests> bits(std::size_t type, std::uint32_t max) {
    if (!shown(type))
      return std::nullopt;
    BitTests result;
    TextScanner scanner(text());
    do {
      BitTest test;
      if (!result.tests.empty()) {
        test.and_with_previous = scanner.take("&");
        if (!test.and_with_previous && !scanner.take("|"))
          bad_grammar(key(), text());
      }
      test.match = scanner.take("= ");
      if (!test.match && !scanner.take("∋ "))
        bad_grammar(key(), text());
      test.negated = scanner.take("! ");
      const std::optional<std::int64_t> value = scanner.take_number();
      if (!value)
        bad_grammar(key(), text());
      if (*value > std::int64_t{max})
        refuse(Reason::value_out_of_range,
               fmt::format("{} \"{}\": {} is not within 0..{}", key(), text(), *value, max));
      test.value = static_cast<std::uint16_t>(*value);
      result.tests.push_back(test);
    } while (scanner.take(","));
    if (!scanner.at_end())
      bad_grammar(key(), text());
    return result;
  }

  /// RFC 8955 section 4.2.2.12, RFC 8956 section 3.6: bits that stand for nothing (IPv6 has no don't-fragment
  /// bit) are to be ignored. A test that would then hold for every packet is refused.
  std::optional<BitTests> fragment() {
    using namespace fragment_bit;
    constexpr std::uint8_t type = 12;
    const std::optional<BitTests> announced = bits(type, 0xff);
    if (!announced)
      return std::nullopt;
    const unsigned known =
        is_fragment | first_fragment | last_fragment | (family_ == Family::ipv4 ? dont_fragment : 0U);
    BitTests meant = *announced;
    for (BitTest& test : meant.tests) {
      const auto left = static_cast<std::uint16_t>(test.value & known);
      if (left == 0 && test.value != 0 && test.match != test.negated)
        refuse(Reason::value_out_of_range,
               fmt::format("{} \"{}\": {} has no such bits as {}", key(), text(), name(family_), test.value));
      test.value = left;
    }
    add_announced(announced_, type, *announced, meant);
    return meant;
  }

  AnnouncedBytes take_announced() { return std::move(announced_); }

 private:
  /// Makes `type` the component at hand.
  bool shown(std::size_t type) {
    index_ = type - 1;
    return path_.components[index_].has_value();
  }
  std::string_view key() const { return ShownPath::keys[index_]; }
  std::string_view text() const { return *path_.components[index_]; }

  const ShownPath& path_;
  Family family_;
  OperatorTable table_;
  AnnouncedBytes announced_;
  std::size_t index_ = 0;
  std::optional<Rejected> refusal_;
};

} // namespace

std::variant<ComponentsRead, Rejected> read_components(const ShownPath& path, Family family,
                                                       OperatorTable table) {
  ComponentReader read(path, family, table);
  Components match;
  match.family = family;
  match.destination = read.prefix(1);
  match.source = read.prefix(2);
  match.protocol = read.values(3, domain::protocol);
  match.port = read.values(4, domain::port);
  match.destination_port = read.values(5, domain::port);
  match.source_port = read.values(6, domain::port);
  match.icmp_type = read.values(7, domain::icmp);
  match.icmp_code = read.values(8, domain::icmp);
  match.tcp_flags = read.bits(9, 0xffff);
  match.packet_length = read.values(10, domain::packet_length);
  match.dscp = read.values(11, domain::dscp);
  match.fragment = read.fragment();
  match.flow_label = read.values(13, domain::flow_label);
  if (std::none_of(path.components.begin(), path.components.end(),
                   [](const auto& text) { return text.has_value(); }))
    read.refuse(Reason::empty_match, "FRR also shows `{ }` for a route that it could not read");
  if (read.refusal())
    return *read.refusal();
  return ComponentsRead{std::move(match), read.take_announced()};
}

std::string shown_match(const ShownPath& path) {
  std::string text;
  for (std::size_t index = 0; index < ShownPath::component_count; ++index)
    if (const std::optional<std::string_view> value = path.components[index])
      text += fmt::format("{}{} {}", text.empty() ? "" : " ", ShownPath::keys[index],
                          index < 2 ? std::string(*value) : fmt::format("\"{}\"", *value));
  return text.empty() ? "{ }" : text;
}

} // namespace flowspec
