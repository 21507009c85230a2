// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/printable.hpp"

#include <fmt/format.h>

#include <iterator>

namespace flowspec {

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= ' ' && byte < 0x7f)
      out += c;
    else
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", byte);
  }
  return out;
}

} // namespace flowspec
