// SPDX-License-Identifier: GPL-2.0-or-later
//
// Sends one packet through the kernel's rules and says what became of it. Nothing is left to waiting: the
// kernel's counters tell that it is done with a packet, and where it stopped.
#pragma once

#include "tests/packet_oracle/counted_table.hpp"
#include "tests/packet_oracle/fate.hpp"
#include "tests/support/forwarding_lab.hpp"

namespace flowspec::oracle {

class Observer {
 public:
  /// Puts a counting rule of its own into FORWARD of table filter, and PREROUTING and POSTROUTING of table
  /// mangle; `chain` begins the names of the chains that are observed.
  Observer(test::ForwardingLab& lab, Family family, std::string chain);

  /// To be called whenever the rules have changed. The jump to `chain` must stand before the counting rule.
  void rules_changed();

  Fate observe(const test::Bytes& packet);

 private:
  /// A chain that the jump to ours leads out of, or not.
  struct Passage {
    std::optional<std::size_t> entered; ///< the first of our jumps; none: nothing is lost here
    std::size_t left = 0;               ///< the counting rule behind
    std::uint64_t lost = 0;             ///< entered and not left, up to the packet before

    std::uint64_t lost_now(const CountedTable& table) const;
  };

  Passage passage(const CountedTable& table, std::string_view parent) const;
  bool stopped(Passage& passage);
  bool await_forward(Fate& fate);
  void read_verdicts(Fate& fate) const;
  void await_exit(const test::Bytes& sent, Fate& fate);
  void arrived(const std::vector<test::ForwardingLab::Arrival>& arrivals, const test::Bytes& sent,
               Fate& fate) const;

  test::ForwardingLab& lab_;
  std::string chain_;
  CountedTable filter_;
  CountedTable mangle_;
  Passage before_routing_;
  Passage forward_;
  Passage after_routing_;
};

} // namespace flowspec::oracle
