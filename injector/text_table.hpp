// SPDX-License-Identifier: GPL-2.0-or-later
//
// Rows of cells as aligned columns of text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace flowspec {

enum class Align { left, right };
/// For terminals; plain says nothing.
enum class Colour { plain, yellow, red };

struct Column {
  std::string_view title;
  Align align = Align::left;
};

struct Cell {
  std::string text; ///< one line
  Colour colour = Colour::plain;
};

/// A line with the titles and one for each row, which has as many cells as there are columns; two spaces in
/// front and between. No line ends in spaces.
std::string table_text(const std::vector<Column>& columns, const std::vector<std::vector<Cell>>& rows,
                       bool coloured);

/// `text` in a colour, when `coloured`.
std::string painted(std::string_view text, Colour colour, bool coloured);

} // namespace flowspec
