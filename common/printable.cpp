// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/printable.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace flowspec {

namespace {

template <class Plain>
std::string escaped(std::string_view text, const Plain& plain) {
  std::string out;
  out.reserve(text.size());
  for (auto next = text.begin(); next != text.end();) {
    const auto end =
        std::find_if(next, text.end(), [&](char c) { return !plain(static_cast<unsigned char>(c)); });
    out.append(next, end);
    if (end == text.end())
      break;
    fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(*end));
    next = end + 1;
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
