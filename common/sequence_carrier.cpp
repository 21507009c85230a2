// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/sequence_carrier.hpp"

#include <fmt/format.h>

#include <charconv>

namespace flowspec {

std::uint64_t SequenceCarrier::largest() const {
  switch (kind) {
  case Kind::route_target:
    return 0xffff'ffffU;
  case Kind::marking:
    return 0xffU;
  case Kind::none:
    break;
  }
  return 0;
}

std::optional<SequenceCarrier> parse_sequence_carrier(std::string_view text) {
  if (text == "marking")
    return SequenceCarrier{SequenceCarrier::Kind::marking, 0};
  if (text == "none")
    return SequenceCarrier{SequenceCarrier::Kind::none, 0};
  if (!text.starts_with("rt:"))
    return std::nullopt;
  const std::string_view digits = text.substr(3);
  std::uint16_t asn = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), asn);
  if (error != std::errc{} || end != digits.data() + digits.size())
    return std::nullopt;
  return SequenceCarrier{SequenceCarrier::Kind::route_target, asn};
}

std::string to_string(const SequenceCarrier& carrier) {
  switch (carrier.kind) {
  case SequenceCarrier::Kind::route_target:
    return fmt::format("rt:{}", carrier.asn);
  case SequenceCarrier::Kind::marking:
    return "marking";
  case SequenceCarrier::Kind::none:
    break;
  }
  return "none";
}

} // namespace flowspec
