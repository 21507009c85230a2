// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "common/text_list.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace flowspec {

/// The bytes of the components of one match, without the type, that were announced by other bytes than those
/// of canonical_nlri. Mostly there are none.
class AnnouncedBytes {
 public:
  void add(std::uint8_t type, std::span<const std::uint8_t> bytes) {
    std::string text(1, static_cast<char>(type));
    text.append(bytes.begin(), bytes.end());
    texts_.push_back(text);
  }

  /// Empty for a component that is as canonical_nlri has it. Holds until something is added.
  std::span<const std::uint8_t> of(std::uint8_t type) const {
    for (const std::string_view text : texts_)
      if (static_cast<std::uint8_t>(text.front()) == type)
        return {reinterpret_cast<const std::uint8_t*>(text.data()) + 1, text.size() - 1};
    return {};
  }

  bool operator==(const AnnouncedBytes&) const = default;

 private:
  TextList texts_; ///< of each its type, then its bytes; in the order of the types
};
static_assert(sizeof(AnnouncedBytes) == sizeof(void*), "a hundred thousand routes have one each");

} // namespace flowspec
