// SPDX-License-Identifier: GPL-2.0-or-later
//
// Which packets a firewall rule matches.
#pragma once

#include "common/rule.hpp"
#include "fetcher/packet_box.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace flowspec {

struct RulePackets {
  /// Together they hold the packets that the rule matches, whatever its target; with `unsayable`, more.
  std::vector<Box> boxes;
  std::string unsayable; ///< the condition that no box says; empty: the boxes are exactly right
  std::string never;     ///< why there are no boxes, when it is not that conditions exclude each other
  bool too_many = false; ///< it takes more boxes than asked for: there are only some
  /// The rule holds only for what is above this rate, of all the packets together; null: no such condition.
  const HashlimitMatch* above_rate = nullptr;
};

/// Refers to `rule`, which must outlive the result. With `reassembled`, connection tracking puts fragments
/// together before the rule sees them: then every packet is whole, and no box asks for it.
RulePackets packets_of(const Rule& rule, Family family, bool reassembled = false,
                       std::size_t most_boxes = 100000);

} // namespace flowspec
