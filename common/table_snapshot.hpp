// SPDX-License-Identifier: GPL-2.0-or-later
//
// One table of the running kernel (iptables-legacy), to be looked at only. libiptc, which also changes tables
// (iptc.hpp), makes an object of every rule: that takes twice the time and the room.
#pragma once

#include "common/counters.hpp"
#include "common/ruleset.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

namespace flowspec {

class TableSnapshot {
 public:
  /// Reads `table` ("filter", "mangle") of `family`. Throws Error: no permission, no iptables-legacy in this
  /// kernel.
  TableSnapshot(Family family, const std::string& table);

  /// As rules_of() and counters_of() have them (table_bytes.hpp), of one moment.
  Ruleset read() const;
  std::vector<ChainCounters> counters() const;

 private:
  struct Free {
    void operator()(std::byte* bytes) const { std::free(bytes); }
  };

  template <class Info>
  Info info_from(int socket) const;
  template <class Info>
  bool read_from(int socket);

  Family family_;
  std::string table_;
  unsigned hooks_ = 0;
  std::array<std::uint32_t, 5> first_{};
  std::size_t size_ = 0;                    ///< of the entries
  std::unique_ptr<std::byte[], Free> data_; ///< the kernel's answer: a head, then the entries
};

} // namespace flowspec
