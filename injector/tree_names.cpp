// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/tree_names.hpp"

#include <cstddef>

namespace flowspec {

/// The mixing function of SplitMix64.
std::uint64_t mixed(std::uint64_t hash, std::uint64_t value) {
  std::uint64_t z = (hash ^ value) + 0x9e3779b97f4a7c15U;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31);
}

std::uint64_t mixed(std::uint64_t hash, const Prefix& prefix) {
  for (const std::size_t half : {std::size_t{0}, std::size_t{8}}) {
    std::uint64_t value = 0;
    for (std::size_t byte = 0; byte < 8; ++byte)
      value = value << 8 | prefix.address.bytes[half + byte];
    hash = mixed(hash, value);
  }
  return mixed(hash, std::uint64_t{prefix.length});
}

std::uint64_t mixed(std::uint64_t hash, std::string_view name) {
  for (const char character : name)
    hash = mixed(hash, std::uint64_t{static_cast<unsigned char>(character)});
  return hash;
}

std::uint64_t mixed(std::uint64_t hash, const TreeRegion& region) {
  return mixed(mixed(hash, region.destination), region.source);
}

} // namespace flowspec
