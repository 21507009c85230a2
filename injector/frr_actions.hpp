// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a path's communities ask for: RFC 8955 section 7, as far as FRR's text tells.
#pragma once

#include "common/entry.hpp"
#include "common/rejected.hpp"
#include "common/sequence_carrier.hpp"

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

namespace flowspec {

struct Asked {
  Actions actions;
  std::optional<std::uint64_t> sequence;
  TextList route_targets;
  TextList communities; ///< all of them, as printed; without the IPv6 ones, of which FRR shows pieces; none
                        ///< unless they are wanted
  std::vector<Rejected> remarks; ///< subject still empty
};

/// Rejected (subject still empty) when the actions cannot be told: text that fits no pattern, an action whose
/// value FRR hides and that could change the verdict, two sequence numbers.
std::variant<Asked, Rejected> read_actions(std::string_view ecomlist, std::string_view ecom6list,
                                           const SequenceCarrier& carrier, bool keep_communities = true);

} // namespace flowspec
