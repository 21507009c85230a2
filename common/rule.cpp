// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/rule.hpp"

#include <algorithm>

namespace flowspec {

std::string_view name(Verdict verdict) {
  switch (verdict) {
  case Verdict::accept:
    return "ACCEPT";
  case Verdict::drop:
    return "DROP";
  case Verdict::return_:
    return "RETURN";
  }
  return "";
}

const Chain* Ruleset::find(std::string_view chain) const {
  const auto it = std::ranges::find(chains, chain, &Chain::name);
  return it == chains.end() ? nullptr : &*it;
}

Chain* Ruleset::find(std::string_view chain) {
  const auto it = std::ranges::find(chains, chain, &Chain::name);
  return it == chains.end() ? nullptr : &*it;
}

} // namespace flowspec
