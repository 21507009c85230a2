// SPDX-License-Identifier: GPL-2.0-or-later
//
// Flowspec does not know interfaces: a route target names those who are to enforce a route for one of them.
#pragma once

#include "fetcher/packet_box.hpp"
#include "fetcher/publication.hpp"

#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>

namespace flowspec {

class InterfaceTargets {
 public:
  /// `targets` must outlive this object.
  explicit InterfaceTargets(std::span<const InterfaceTarget> targets) : targets_(targets) {}

  /// The route target for `packets`, "" when they ask for no interface; none, and `why`, when there is none.
  std::optional<std::string> route_target(const Box& packets, std::string& why) const;

  /// The same for a route that is published. One that stood for two places would bring the rules of each to
  /// both: it goes to the place that claimed it first.
  std::optional<std::string> claim(const Box& packets, std::string& why);

  /// A packet may be meant by both, which are claimed: it comes in by the interface of the one, and leaves by
  /// that of the other. (One that leaves where it came in is not thought of.)
  bool share_packets(const std::string& a, const std::string& b) const;
  /// By `target` and some other one that is claimed.
  bool shares_packets(const std::string& target) const;

 private:
  using Place = std::pair<InterfaceTarget::Side, std::string>;

  std::span<const InterfaceTarget> targets_;
  std::map<std::string, Place> places_; ///< by route target: who has it
};

} // namespace flowspec
