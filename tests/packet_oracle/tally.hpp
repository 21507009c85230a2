// SPDX-License-Identifier: GPL-2.0-or-later
//
// How often everything that is to be shown has been met: a run without differences that met nothing shows
// nothing.
#pragma once

#include "common/decide.hpp"
#include "common/rejected.hpp"
#include "tests/support/packet_bytes.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace flowspec::oracle {

class Tally {
 public:
  void add_set(const std::vector<Entry>& entries, const std::vector<Rejected>& rejected);
  /// `in_mangle`: dropped there, where table filter would have dropped it.
  void add(const Decision& decision, const Packet& packet, const test::PacketPlan& plan, bool in_mangle);

  std::uint64_t packets() const { return packets_; }

  /// A line for each kind of thing, the outcomes last: "20000 packets over 500 sets: accept 3210, ...".
  std::string to_string() const;
  /// What was met less often than it should be among so many packets; empty for few packets.
  std::vector<std::string> hardly_met() const;

 private:
  using Counts = std::map<std::string, std::uint64_t>;

  std::uint64_t packets_ = 0;
  std::uint64_t sets_ = 0;
  std::uint64_t entries_ = 0;
  Counts outcomes_;
  Counts packet_kinds_;
  Counts deciding_; ///< packets decided by an entry with that component or action
  Counts rejected_; ///< entries
};

} // namespace flowspec::oracle
