// SPDX-License-Identifier: GPL-2.0-or-later
//
// What each rule in the kernel has counted, asked of the kernel itself: nothing that is under test has a part
// in it, and it is fast enough to be asked after every packet.
#pragma once

#include "common/family.hpp"
#include "tests/support/forwarding_lab.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace flowspec::oracle {

struct CountedRule {
  enum class Kind { accept, drop, log, other };
  std::string chain;
  std::string comment; ///< empty for none
  Kind kind = Kind::other;
};

/// One table of the namespace that it is made in.
class CountedTable {
 public:
  /// Throws Error when there is no such table, here and below.
  CountedTable(Family family, std::string table);

  /// Learns the rules anew: before anything else, and whenever they have changed.
  void reload();
  /// With the policies of built-in chains and the ends of the others among them.
  const std::vector<CountedRule>& rules() const { return rules_; }

  /// Asks for all counters at once.
  void read();
  /// Of the rule with this index, as last read.
  std::uint64_t packets(std::size_t rule) const;
  /// How many packets it has counted between the last mark() and the last read().
  std::uint64_t rise(std::size_t rule) const { return packets(rule) - marked_.at(rule); }
  void mark();

 private:
  void fetch();

  Family family_;
  std::string table_;
  test::Descriptor socket_;
  std::vector<std::byte> answer_;    ///< the kernel's, as the last read() has it
  std::vector<std::size_t> offsets_; ///< of each rule's counter within it
  std::vector<CountedRule> rules_;
  std::vector<std::uint64_t> marked_;
};

} // namespace flowspec::oracle
