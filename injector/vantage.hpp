// SPDX-License-Identifier: GPL-2.0-or-later
//
// Which entries a packet meets at all: by its interfaces those of a segment, by its addresses all but those
// from which it is protected.
#pragma once

#include "injector/compile.hpp"
#include "injector/question.hpp"

#include <span>
#include <string>
#include <vector>

namespace flowspec {

/// By what a forwarded packet comes and goes; empty: not said.
struct Interfaces {
  std::string in;
  std::string out;

  bool operator==(const Interfaces&) const = default;
};

/// The entries of one segment, or of what is in none, in their order.
struct EntriesMet {
  std::string segment; ///< empty: of no segment
  std::vector<Entry> entries;
};

/// The prefix of the packet's source or destination that keeps it from every entry; none when entries count.
std::optional<Prefix> protected_by(const Question& question, const CompileOptions& options);

/// Each list decides about the packet, and one drop is enough. `installed` are in their order. Throws
/// UsageError when it depends on an interface that is not said.
std::vector<EntriesMet> entries_met(std::span<const Entry> installed, const Question& question,
                                    const Interfaces& interfaces, const CompileOptions& options);

} // namespace flowspec
