// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/printable.hpp"

#include <fmt/format.h>

#include <iterator>

namespace flowspec {

namespace {

template <class Plain>
std::string escaped(std::string_view text, const Plain& plain) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (plain(byte))
      out += c;
    else
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", byte);
  }
  return out;
}

} // namespace

std::string printable(std::string_view text) {
  return escaped(text, [](unsigned char byte) { return byte >= ' ' && byte < 0x7f; });
}

std::string one_line(std::string_view text) {
  return escaped(text, [](unsigned char byte) { return byte >= ' ' && byte != 0x7f; });
}

} // namespace flowspec
