// SPDX-License-Identifier: GPL-2.0-or-later
//
// A router of this kernel with wires of its own: packets in at one, and out at one of two.
#pragma once

#include "tests/support/namespace.hpp"
#include "tests/support/packet_bytes.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace flowspec::test {

/// A file descriptor that closes.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor();
  Descriptor(Descriptor&& other) noexcept;
  Descriptor& operator=(Descriptor&&) = delete;

  int number() const { return fd_; }

 private:
  int fd_;
};

/// Moves the calling thread into a new network namespace that forwards both families, and back when it ends.
/// Every address lies behind its default exit, and behind the other one for packets with the mark. Nobody
/// else sends there: no ARP, no neighbour discovery. Throws Error when that is not allowed: not root.
class ForwardingLab {
 public:
  static constexpr std::uint32_t mark = 1; ///< of packets that take the other exit

  enum class Exit { by_default, by_mark };
  struct Arrival {
    Exit exit{};
    Bytes packet;
  };

  ForwardingLab();

  /// Gives `packet`, an IP packet of either family, to the router. Mostly it has been dealt with when this
  /// returns; the counters of the router's rules tell.
  void send(const Bytes& packet);

  /// What has come out and was not yet asked for; waits no longer than `milliseconds` for the first.
  std::vector<Arrival> arrivals(int milliseconds = 0);

 private:
  void await_wires();

  Descriptor ends_; ///< the namespace that holds the other ends of the wires
  NetworkNamespace router_;
  Descriptor sender_;
  Descriptor default_exit_;
  Descriptor marked_exit_;
  unsigned entrance_ = 0; ///< index of the sender's interface
  Bytes buffer_;
};

} // namespace flowspec::test
