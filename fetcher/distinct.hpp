// SPDX-License-Identifier: GPL-2.0-or-later
//
// BGP keeps one route for each sequence of NLRI bytes, and FRR 10.7 loses one of two routes when the bytes of
// one begin those of the other. A component that holds every value changes the bytes and not the packets.
#pragma once

#include "common/entry.hpp"
#include "fetcher/publication.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace flowspec {

/// `match` with such components added, the first way whose bytes are `acceptable`; none when no way is.
std::optional<Components>
with_other_bytes(const Components& match,
                 const std::function<bool(const std::vector<std::uint8_t>&)>& acceptable);

/// Changes routes until no route's bytes begin another's. The policy's route stays as it is, and so does one
/// that no component can be added to. The bytes must be distinct.
void separate_beginnings(std::vector<Route>& routes);

} // namespace flowspec
