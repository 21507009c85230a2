// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the parts of xtables_codec share: the kernel's structures to and from bytes.
#pragma once

#include <linux/netfilter/x_tables.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

namespace flowspec::xtables {

/// A match or a target as the kernel has it behind its xt_entry_match or xt_entry_target.
struct ExtensionBytes {
  std::string_view name; ///< of what it was made from, and no longer there than that
  std::uint8_t revision = 0;
  std::vector<std::byte> data; ///< its own structure, padded as the kernel wants it
};

/// The kernel's XT_ALIGN.
constexpr std::size_t aligned(std::size_t size) {
  return (size + alignof(_xt_align) - 1) & ~(alignof(_xt_align) - 1);
}

/// A structure of the kernel's to be filled in, with every byte 0 at first: padding too, since libiptc and
/// iptables compare bytes. Assigning or returning the structure itself would not keep the padding.
template <class T>
class Blank {
 public:
  T* operator->() { return reinterpret_cast<T*>(bytes_.data()); }
  T& operator*() { return *operator->(); }
  /// With the kernel's alignment behind it.
  std::vector<std::byte> bytes() && { return std::move(bytes_); }

 private:
  std::vector<std::byte> bytes_ = std::vector<std::byte>(aligned(sizeof(T)));
};

/// `bytes` need not be aligned. Requires bytes.size() >= sizeof(T).
template <class T>
T load(std::span<const std::byte> bytes) {
  T value;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

inline void require(bool condition, const char* otherwise) {
  if (!condition)
    throw std::invalid_argument(otherwise);
}

inline std::vector<std::uint8_t> octets(std::span<const std::byte> bytes) {
  const auto* first = reinterpret_cast<const std::uint8_t*>(bytes.data());
  return {first, first + bytes.size()};
}

} // namespace flowspec::xtables
