// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/frr_communities.hpp"

#include <array>
#include <charconv>
#include <cmath>

namespace flowspec {

namespace {

using Kind = Community::Kind;

constexpr std::string_view hex_digits = "0123456789abcdefABCDEF";
constexpr std::string_view not_a_space = "!\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`"
                                         "abcdefghijklmnopqrstuvwxyz{|}~";

bool take_dotted_quad(TextScanner& scanner) {
  for (int octet = 0; octet < 4; ++octet)
    if ((octet > 0 && !scanner.take(".")) || !scanner.take_digits())
      return false;
  return true;
}

/// "ASN:N" and "A.B.C.D:N".
bool take_route_target(TextScanner& scanner, Community& community) {
  const std::size_t start = scanner.position();
  if (!take_dotted_quad(scanner)) {
    scanner.rewind(start);
    if (!scanner.take_digits())
      return false;
  }
  community.kind = Kind::route_target;
  return scanner.take(":") && scanner.take_digits();
}

/// What follows "FS:rate ": %f of a float.
bool take_rate(TextScanner& scanner, Community& community) {
  community.kind = Kind::rate;
  const bool negative = scanner.take("-");
  if (scanner.take("nan")) {
    community.rate = std::nan("");
  } else if (scanner.take("inf")) {
    community.rate = negative ? -HUGE_VAL : HUGE_VAL;
  } else {
    const std::size_t start = scanner.position();
    if (!scanner.take_digits() || !scanner.take(".") || !scanner.take_digits())
      return false;
    const std::string_view text = scanner.since(start);
    if (std::from_chars(text.data(), text.data() + text.size(), community.rate).ec != std::errc{})
      return false;
    if (negative)
      community.rate = -community.rate;
  }
  return true;
}

bool take_traffic_action(TextScanner& scanner, Community& community) {
  community.kind = Kind::traffic_action;
  if (!scanner.take("terminate (apply)") && !scanner.take("eval stops"))
    return false;
  scanner.take(", sample");
  return true;
}

/// The VRF's text may be cut, and empty.
bool take_redirect_vrf(TextScanner& scanner, Community& community) {
  community.kind = Kind::redirect_vrf;
  if (scanner.take("RT:"))
    scanner.take_any_of(not_a_space);
  return true;
}

bool take_redirect_ip(TextScanner& scanner, Community& community) {
  community.kind = Kind::redirect_ip;
  return scanner.take_any_of(hex_digits).has_value();
}

bool take_next_hop(TextScanner& scanner, Community& community) {
  community.kind = Kind::redirect_ip;
  return take_dotted_quad(scanner) && scanner.take(":") && scanner.take_digits();
}

bool take_marking(TextScanner& scanner, Community& community) {
  community.kind = Kind::marking;
  const std::optional<std::int64_t> value = scanner.take_number();
  community.number = value && *value <= 255 ? static_cast<unsigned>(*value) : 256;
  return community.number <= 255;
}

bool take_unknown(TextScanner& scanner, Community& community) {
  community.kind = Kind::unknown;
  const std::optional<std::int64_t> type = scanner.take_number();
  if (!type || !scanner.take(", "))
    return false;
  const std::optional<std::int64_t> subtype = scanner.take_number();
  if (!subtype || *type > 255 || *subtype > 255)
    return false;
  community.number = static_cast<unsigned>(*type);
  community.subtype = static_cast<unsigned>(*subtype);
  return true;
}

/// Nothing of flowspec's: one word without spaces follows the label.
bool take_word(TextScanner& scanner, Community&) {
  return scanner.take_any_of(not_a_space).has_value();
}
bool take_nothing(TextScanner&, Community&) {
  return true;
}

/// "MM:SEQ, sticky MAC": the second half only when the MAC is sticky.
bool take_mac_mobility(TextScanner& scanner, Community&) {
  const bool digits = scanner.take_digits().has_value();
  scanner.take(", sticky MAC");
  return digits;
}

/// Everything up to `end`, with it; not past the beginning of another community that matters.
bool take_through(TextScanner& scanner, std::string_view end) {
  const std::size_t at = scanner.rest().find(end);
  if (at == std::string_view::npos)
    return false;
  const std::string_view taken = scanner.rest().substr(0, at + end.size());
  for (const std::string_view label : {"FS:", "UNK:", "NH:"})
    if (taken.find(label) != std::string_view::npos)
      return false;
  return scanner.take(taken);
}

/// "LB:ASN:BANDWIDTH (TEXT)" and "DF: (TEXT)".
bool take_parenthesis(TextScanner& scanner, Community&) {
  return take_through(scanner, ")");
}

/// "P flag:Y, B Flag Y, C word Y, MTU 1500" (10.4 to 10.6) and "Cflags PB, MTU 1500" (10.7).
bool take_layer2(TextScanner& scanner, Community&) {
  if (!take_through(scanner, "MTU "))
    return false;
  scanner.take("-");
  return scanner.take_digits().has_value();
}

struct Pattern {
  std::string_view label;
  bool (*take_rest)(TextScanner&, Community&);
};

// The texts of bgpd/bgp_ecommunity.c from 7.0 to 10.7.
constexpr std::array patterns{
    Pattern{"FS:rate ", take_rate},
    Pattern{"FS:action ", take_traffic_action},
    Pattern{"FS:redirect VRF ", take_redirect_vrf},
    Pattern{"FS:redirect IP 0x", take_redirect_ip},
    Pattern{"NH:", take_next_hop},
    Pattern{"FS:marking ", take_marking},
    Pattern{"UNK:", take_unknown},
    Pattern{"LB:", take_parenthesis},
    Pattern{"DF: (", take_parenthesis},
    Pattern{"L2: ", take_layer2},
    Pattern{"MM:", take_mac_mobility},
    Pattern{"Default Gateway", take_nothing},
    Pattern{"ND:Router Flag", take_nothing},
    Pattern{"ND:Proxy", take_nothing},
    Pattern{"ESI-label-Rt:", take_word},
    Pattern{"ES-Import-Rt:", take_word},
    Pattern{"Rmac:", take_word},
    Pattern{"ET:", take_word},
    Pattern{"Color:", take_word},
    Pattern{"OVS:", take_word},
    Pattern{"NT:", take_word},
    Pattern{"upa:", take_word},
};

bool take_community(TextScanner& scanner, Community& community) {
  const std::size_t start = scanner.position();
  if (take_route_target(scanner, community))
    return true;
  for (const Pattern& pattern : patterns) {
    scanner.rewind(start);
    community = {};
    if (scanner.take(pattern.label) && pattern.take_rest(scanner, community))
      return true;
  }
  return false;
}

} // namespace

std::optional<Community> CommunityList::next() {
  // One space stands between two communities; one whose text is empty leaves two of them together.
  while (scanner_.take(" ")) {
  }
  if (scanner_.at_end() || !understood_)
    return std::nullopt;
  const std::size_t start = scanner_.position();
  Community community;
  understood_ = take_community(scanner_, community) && (scanner_.at_end() || scanner_.rest().front() == ' ');
  if (!understood_)
    return std::nullopt;
  community.text = scanner_.since(start);
  return community;
}

} // namespace flowspec
