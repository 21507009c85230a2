// SPDX-License-Identifier: GPL-2.0-or-later
//
// BIRD's configuration as tokens: without comments, and without knowing which words are whose.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace flowspec {

struct BirdToken {
  enum class Kind : std::uint8_t {
    end,    ///< behind the last one
    word,   ///< a keyword or a symbol; 'quoted' ones without their quotes
    number, ///< decimal or 0x
    ipv4,   ///< looks like an address
    ipv6,
    string, ///< with its quotes
    sign,   ///< "{", ";", "<=", ...
    alien,  ///< a byte that stands for nothing in BIRD
  };
  Kind kind = Kind::end;
  std::string_view text; ///< as it stands in the source
  std::size_t line = 0;  ///< from 1
  bool apart = false;    ///< something stands between the token before and this one

  bool is(std::string_view wanted) const {
    return (kind == Kind::word || kind == Kind::sign) && text == wanted;
  }
  bool operator==(const BirdToken&) const = default;
};

/// The tokens of `text`, an `end` last. They point into `text`. Throws Error, naming `file` and the line, for
/// a comment, string or symbol that does not end, and for what is not text.
std::vector<BirdToken> bird_tokens(std::string_view text, std::string_view file);

} // namespace flowspec
