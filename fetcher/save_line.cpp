// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/save_line.hpp"

#include "common/error.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace flowspec {

namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

} // namespace

std::optional<SaveLine> SaveLines::next() {
  while (position_ < text_.size()) {
    SaveLine line{.number = number_, .text = {}, .words = {}};
    const std::size_t start = position_;
    if (text_[position_] == '#') {
      position_ = std::min(text_.find('\n', position_), text_.size());
      remarks_.push_back(text_.substr(start, position_ - start));
    }
    while (!at_line_end()) {
      if (is_blank(text_[position_]))
        ++position_;
      else
        line.words.push_back(text_[position_] == '"' ? quoted_word() : plain_word());
    }
    line.text = text_.substr(start, position_ - start);
    if (position_ < text_.size()) {
      ++position_;
      ++number_;
    }
    if (!line.words.empty())
      return line;
  }
  return std::nullopt;
}

SaveWord SaveLines::plain_word() {
  const std::size_t start = position_;
  for (; !at_line_end() && !is_blank(text_[position_]); ++position_) {
    const auto byte = static_cast<unsigned char>(text_[position_]);
    if (byte < ' ' || byte == 0x7f)
      throw Error(fmt::format("line {}: byte {:#04x} is not text", number_, byte));
  }
  return {std::string(text_.substr(start, position_ - start)), false};
}

SaveWord SaveLines::quoted_word() {
  const std::size_t first_line = number_;
  SaveWord word{.text = {}, .quoted = true};
  for (++position_;; ++position_) {
    if (position_ == text_.size())
      throw Error(fmt::format("line {}: the quote is never closed", first_line));
    char c = text_[position_];
    if (c == '"')
      break;
    if (c == '\\' && position_ + 1 < text_.size())
      c = text_[++position_];
    if (c == '\0')
      throw Error(fmt::format("line {}: byte 0x00 is not text", number_));
    if (c == '\n')
      ++number_;
    word.text += c;
  }
  ++position_;
  if (!at_line_end() && !is_blank(text_[position_]))
    throw Error(fmt::format("line {}: text right behind the quote that line {} opens", number_, first_line));
  return word;
}

} // namespace flowspec
