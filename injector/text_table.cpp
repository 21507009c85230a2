// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/text_table.hpp"

#include <algorithm>
#include <cstddef>

namespace flowspec {

namespace {

/// In columns of a terminal, as good as can be told without a table of all characters: bytes of UTF-8 that
/// begin one.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char byte) { return (static_cast<unsigned char>(byte) & 0xc0) != 0x80; }));
}

} // namespace

std::string painted(std::string_view text, Colour colour, bool coloured) {
  if (!coloured || colour == Colour::plain)
    return std::string(text);
  return (colour == Colour::red ? "\033[31m" : "\033[33m") + std::string(text) + "\033[0m";
}

std::string table_text(const std::vector<Column>& columns, const std::vector<std::vector<Cell>>& rows,
                       bool coloured) {
  std::vector<std::size_t> widths;
  widths.reserve(columns.size());
  for (const Column& column : columns)
    widths.push_back(width(column.title));
  for (const std::vector<Cell>& row : rows)
    for (std::size_t at = 0; at < columns.size(); ++at)
      widths[at] = std::max(widths[at], width(row[at].text));

  std::string text;
  std::size_t spaces = 0; // owed before the next cell: those at the end of a line are never paid
  const auto put = [&](std::size_t at, std::string_view words, Colour colour) {
    const std::size_t padding = widths[at] - width(words);
    const bool right = columns[at].align == Align::right;
    text.append(words.empty() ? 0 : spaces + 2 + (right ? padding : 0), ' ');
    text += painted(words, colour, coloured);
    spaces = words.empty() ? spaces + 2 + widths[at] : right ? 0 : padding;
  };
  const auto end_line = [&] {
    text += '\n';
    spaces = 0;
  };
  for (std::size_t at = 0; at < columns.size(); ++at)
    put(at, columns[at].title, Colour::plain);
  end_line();
  for (const std::vector<Cell>& row : rows) {
    for (std::size_t at = 0; at < columns.size(); ++at)
      put(at, row[at].text, row[at].colour);
    end_line();
  }
  return text;
}

} // namespace flowspec
