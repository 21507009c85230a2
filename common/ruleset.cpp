// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/ruleset.hpp"

#include <algorithm>

namespace flowspec {

const Chain* Ruleset::find(std::string_view chain) const {
  const auto it = std::ranges::find(chains, chain, &Chain::name);
  return it == chains.end() ? nullptr : &*it;
}

Chain* Ruleset::find(std::string_view chain) {
  const auto it = std::ranges::find(chains, chain, &Chain::name);
  return it == chains.end() ? nullptr : &*it;
}

} // namespace flowspec
