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
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flowspec::xtables {

/// A match or a target as the kernel has it behind its xt_entry_match or xt_entry_target.
struct ExtensionBytes {
  std::string name;
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

/// Writes the parts of a rule where they stay: at the end of its bytes. Every byte of a part is 0 at first,
/// as those of a Blank.
class Writer {
 public:
  /// What `to` holds by now must be aligned as the kernel wants it.
  explicit Writer(std::vector<std::byte>& to) : to_(to) {}

  /// Room for a T, with the kernel's alignment behind it. It is there until the next part is added.
  template <class T>
  T& add() {
    const std::size_t at = to_.size();
    to_.resize(at + aligned(sizeof(T)));
    return *reinterpret_cast<T*>(to_.data() + at);
  }

  /// The same behind an xt_entry_match, which differs from an xt_entry_target in nothing but its members'
  /// names. Requires a name of less than XT_EXTENSION_MAXNAMELEN bytes.
  template <class T>
  T& add(std::string_view name, std::uint8_t revision) {
    constexpr std::size_t size = sizeof(xt_entry_match) + aligned(sizeof(T));
    const std::size_t at = to_.size();
    to_.resize(at + size);
    auto& head = *reinterpret_cast<xt_entry_match*>(to_.data() + at);
    head.u.user.match_size = static_cast<__u16>(size);
    name.copy(head.u.user.name, sizeof head.u.user.name);
    head.u.user.revision = revision;
    return *reinterpret_cast<T*>(to_.data() + at + sizeof(xt_entry_match));
  }

 private:
  std::vector<std::byte>& to_;
};

/// `bytes` need not be aligned. Requires bytes.size() >= sizeof(T).
template <class T>
T load(std::span<const std::byte> bytes) {
  T value;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

/// What `add` adds to a Writer: one match or target.
template <class Add>
ExtensionBytes alone(Add add) {
  std::vector<std::byte> bytes;
  Writer to(bytes);
  add(to);
  const auto head = load<xt_entry_match>(bytes);
  const char* name = head.u.user.name;
  return {{name, strnlen(name, sizeof head.u.user.name)},
          head.u.user.revision,
          {bytes.begin() + sizeof(xt_entry_match), bytes.end()}};
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
