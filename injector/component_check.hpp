// SPDX-License-Identifier: GPL-2.0-or-later
//
// The components of a match against a packet that is only partly known: examine() of common/decide.hpp with a
// third answer.
#pragma once

#include "common/entry.hpp"
#include "injector/question.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace flowspec {

enum class Holding : std::uint8_t {
  holds,
  fails,
  not_told, ///< it depends on what the question does not say
};

/// One component that is present.
struct ComponentCheck {
  std::string_view component; ///< "destination_port", as the JSON of an entry names it
  Holding holding = Holding::holds;
  std::string asks;                      ///< "80,443", as to_string(Components) shows it
  std::string has;                       ///< of one that fails: what the packet has instead
  std::vector<std::string_view> options; ///< of one that is not told: what has to be said, "--length"
};

/// The components of `match`, in the order of their numbers. The match must be of the question's family.
/// Each is looked at by itself: `fails` and `holds` are certain, whatever is not said.
std::vector<ComponentCheck> check_components(const Components& match, const Question& question);

} // namespace flowspec
