// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/policy_reader.hpp"

#include <fmt/format.h>

#include <array>
#include <limits>

namespace flowspec {

namespace {

constexpr std::array<std::string_view, 6> deletable{"rate",   "dscp",     "redirect",
                                                    "sample", "sequence", "unknown"};

void read_set(const JsonPlace& place, TermChange& change) {
  place.only({"rate", "dscp", "redirect", "sequence"});
  if (place.value().empty())
    place.refuse("expected at least one of rate, dscp, redirect, sequence");
  if (const auto rate = place.find("rate"))
    change.rate = rate->number(0, largest_rate, "bytes a second, 0 or more");
  if (const auto dscp = place.find("dscp"))
    change.dscp = static_cast<std::uint8_t>(
        dscp->whole(0, domain::dscp, fmt::format("a whole number from 0 to {}", domain::dscp)));
  if (const auto redirect = place.find("redirect"))
    change.redirect = read_route_target(*redirect);
  if (const auto sequence = place.find("sequence"))
    change.sequence =
        sequence->whole(0, std::numeric_limits<std::uint64_t>::max(), "a whole number, 0 or more");
}

/// Marks it as deleted; the answer is whether the same is given too.
bool delete_one(std::size_t what, TermChange& change) {
  switch (what) {
  case 0:
    change.delete_rate = true;
    return change.rate.has_value();
  case 1:
    change.delete_dscp = true;
    return change.dscp.has_value();
  case 2:
    change.delete_redirect = true;
    return change.redirect.has_value();
  case 3:
    change.delete_sample = true;
    return change.sample;
  case 4:
    change.delete_sequence = true;
    return change.sequence.has_value();
  default:
    change.delete_unknown = true;
    return false;
  }
}

void read_delete(const JsonPlace& place, TermChange& change) {
  read_list<bool>(place, "names of actions", [&change](const JsonPlace& element) {
    const std::size_t what = read_name(element, deletable);
    if (delete_one(what, change))
      element.refuse(fmt::format("expected {} to be given or deleted, not both", deletable.at(what)));
    return true;
  });
}

void read_add(const JsonPlace& place, TermChange& change) {
  constexpr std::array<std::string_view, 1> addable{"sample"};
  const std::size_t count = place.list("\"sample\"");
  for (std::size_t index = 0; index < count; ++index)
    read_name(place.element(index), addable);
  change.sample = true;
}

} // namespace

void read_then(const JsonPlace& place, Term& term) {
  if (place.value().is_string()) {
    constexpr std::array<std::string_view, 2> verdicts{"accept", "reject"};
    term.then = read_name(place, verdicts) == 0 ? Term::Then::accept : Term::Then::reject;
    return;
  }
  if (!place.value().is_object())
    place.expected("\"accept\", \"reject\" or an object with set, delete, add");
  place.only({"set", "delete", "add"});
  if (place.value().empty())
    place.refuse("expected at least one of set, delete, add");
  term.then = Term::Then::change;
  if (const auto set = place.find("set"))
    read_set(*set, term.change);
  if (const auto add = place.find("add"))
    read_add(*add, term.change);
  if (const auto deleted = place.find("delete"))
    read_delete(*deleted, term.change);
}

} // namespace flowspec
