// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/frr_actions.hpp"

#include "injector/frr_communities.hpp"
#include "injector/text_scanner.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>

namespace flowspec {

namespace {

using Kind = Community::Kind;

/// What FRR shows without a value and what may change what the route means: the types under which flowspec's
/// actions are registered (0x80..0x82), the interface set that narrows where a route applies (0x07),
/// redirects to addresses and indirection identifiers (0x08, 0x09, 0x0b, and 0x01 with subtype 0x0c); each
/// with and without transitivity (0x40).
bool may_be_action(const Community& community) {
  const unsigned type = community.number & ~0x40U;
  return (type >= 0x80 && type <= 0x82) || (type >= 0x07 && type <= 0x09) || type == 0x0b ||
         (type == 0x01 && community.subtype == 0x0c);
}

/// Redirects to an IPv6 address or route target (RFC 8956 section 6 and its drafts), in the IPv6 list.
bool may_be_ipv6_redirect(const Community& community) {
  return community.number == 0 && community.subtype >= 11 && community.subtype <= 13;
}

Rejected rejection(Reason reason, std::string detail) {
  return {"", reason, std::move(detail)};
}

/// Collects what the communities of one path ask for.
class ActionReader {
 public:
  /// `list_size` is 0 when the communities themselves are not wanted.
  ActionReader(const SequenceCarrier& carrier, std::size_t list_size)
      : carrier_(carrier), keeps_communities_(list_size > 0) {
    if (keeps_communities_)
      asked_.communities.reserve(list_size + 1); // each but the last has a space behind it
  }

  void take(const Community& community) {
    if (keeps_communities_)
      asked_.communities.push_back(community.text);
    switch (community.kind) {
    case Kind::route_target:
      return take_target(community.text);
    case Kind::rate:
      return take_rate_of(community.rate);
    case Kind::marking:
      if (carrier_.kind == SequenceCarrier::Kind::marking)
        return take_sequence(community.number);
      // RFC 8955 section 7.5: the six least significant bits; the others are to be ignored.
      asked_.actions.dscp_mark = static_cast<std::uint8_t>(community.number & 0x3f);
      return;
    case Kind::redirect_vrf:
      if (const std::size_t target = community.text.find("RT:"); target != std::string_view::npos)
        return take_redirect(community.text.substr(target));
      [[fallthrough]]; // FRR showed no target
    case Kind::redirect_ip:
      asked_.actions.unknown.push_back(community.text);
      return;
    case Kind::traffic_action:
      hidden_bits_ = community.text;
      return;
    case Kind::unknown:
      if (may_be_action(community))
        refuse(Reason::unreadable_action,
               fmt::format("{}: FRR shows that there is an action, but not what it says", community.text));
      return;
    case Kind::other:
      return;
    }
  }

  void refuse(Reason reason, std::string detail) {
    if (!refusal_)
      refusal_ = rejection(reason, std::move(detail));
  }

  std::variant<Asked, Rejected> finish() {
    if (several_rates_)
      asked_.remarks.push_back(
          rejection(Reason::conflicting_actions, "several rates in one path: the strictest is taken"));
    if (!redirect_trouble_.empty() && !asked_.actions.discards()) // what is discarded goes nowhere
      refuse(Reason::unreadable_action, redirect_trouble_);
    if (!hidden_bits_.empty()) {
      // The T bit decides whether later routes are looked at, so only a packet that is discarded anyway is
      // sure of its fate.
      if (asked_.actions.discards())
        asked_.remarks.push_back(rejection(
            Reason::hidden_action_bits,
            fmt::format(
                "{}: FRR does not show the terminal and sample bits; the packets are discarded all the same",
                hidden_bits_)));
      else
        refuse(Reason::unreadable_action, fmt::format("{}: FRR does not show the terminal and sample bits, "
                                                      "which decide what becomes of the packets",
                                                      hidden_bits_));
    }
    if (refusal_)
      return std::move(*refusal_);
    return std::move(asked_);
  }

 private:
  void take_target(std::string_view text) {
    if (carrier_.kind == SequenceCarrier::Kind::route_target) {
      char asn[8];
      const char* const end = std::to_chars(std::begin(asn), std::end(asn), unsigned{carrier_.asn}).ptr;
      TextScanner scanner(text);
      if (scanner.take({asn, static_cast<std::size_t>(end - asn)}) && scanner.take(":")) {
        if (const std::optional<std::int64_t> number = scanner.take_number(); number && scanner.at_end())
          return take_sequence(static_cast<std::uint64_t>(*number));
      }
    }
    asked_.route_targets.push_back(text);
  }

  /// FRR keeps 15 characters of most kinds of target, so one of just that length may be the beginning of
  /// another.
  void take_redirect(std::string_view target) {
    constexpr std::size_t cut_at = 15;
    if (target.size() == cut_at)
      redirect_trouble_ =
          fmt::format("redirect to {}: FRR shows no more than {} characters, so that this may "
                      "be the beginning of another target",
                      target, cut_at);
    const std::string route_target(target.substr(3));
    if (asked_.actions.redirect && *asked_.actions.redirect != route_target)
      redirect_trouble_ =
          fmt::format("redirects to {} and to {} in one path", *asked_.actions.redirect, route_target);
    asked_.actions.redirect = route_target;
  }

  void take_sequence(std::uint64_t number) {
    if (asked_.sequence && *asked_.sequence != number)
      refuse(Reason::ambiguous_sequence,
             fmt::format("sequence numbers {} and {} in one path", *asked_.sequence, number));
    asked_.sequence = number;
  }

  /// 0, negative and not-a-number mean discard; the strictest of several rates holds.
  void take_rate_of(double shown) {
    const double rate = shown > 0 ? shown : 0;
    several_rates_ = several_rates_ || asked_.actions.rate.has_value();
    asked_.actions.rate = std::min(rate, asked_.actions.rate.value_or(rate));
  }

  const SequenceCarrier& carrier_;
  bool keeps_communities_;
  Asked asked_;
  std::string hidden_bits_;
  std::string redirect_trouble_;
  bool several_rates_ = false;
  std::optional<Rejected> refusal_;
};

} // namespace

std::variant<Asked, Rejected> read_actions(std::string_view ecomlist, std::string_view ecom6list,
                                           const SequenceCarrier& carrier, bool keep_communities) {
  ActionReader reader(carrier, keep_communities ? ecomlist.size() : 0);
  CommunityList communities(ecomlist);
  while (const std::optional<Community> community = communities.next())
    reader.take(*community);
  // FRR shows pieces of the 20 bytes of these as if they were of the other kind: only a possible redirect is
  // of interest.
  CommunityList ipv6_communities(ecom6list);
  while (const std::optional<Community> community = ipv6_communities.next())
    if (community->kind == Kind::redirect_vrf || community->kind == Kind::redirect_ip ||
        (community->kind == Kind::unknown && may_be_ipv6_redirect(*community)))
      reader.refuse(
          Reason::unreadable_action,
          fmt::format("{} among the IPv6 communities: perhaps a redirect, whose value FRR does not show",
                      community->text));
  if (!communities.understood() || !ipv6_communities.understood())
    return rejection(Reason::unreadable_action, fmt::format("communities \"{}\": a text that is not known",
                                                            communities.understood() ? ecom6list : ecomlist));
  return reader.finish();
}

} // namespace flowspec
