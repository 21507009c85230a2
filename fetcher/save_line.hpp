// SPDX-License-Identifier: GPL-2.0-or-later
//
// The lines of iptables-save text and the words on them. A quoted word may hold line breaks: iptables-save
// prints a comment's bytes as they are.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flowspec {

struct SaveWord {
  std::string text;
  bool quoted = false;

  /// True for a word that starts an option or negates one: "-s", "--sport", "!".
  bool leads_option() const { return !quoted && !text.empty() && (text.front() == '-' || text == "!"); }
  bool operator==(const SaveWord&) const = default;
};

struct SaveLine {
  std::size_t number = 0; ///< of its first byte, from 1
  std::string_view text;  ///< as it stands in the source
  std::vector<SaveWord> words;
};

/// Reads the lines of a text one after the other, without the blank ones and those that begin with '#'.
class SaveLines {
 public:
  /// `text` must outlive this object and every line that it gave.
  explicit SaveLines(std::string_view text) : text_(text) {}

  /// The next line, or none at the end. Throws Error, naming the line, for a byte that is not text and for a
  /// quote that is never closed.
  std::optional<SaveLine> next();
  /// The lines that begin with '#', as far as they have been passed.
  const std::vector<std::string_view>& remarks() const { return remarks_; }
  /// The number of the line that next() would start at.
  std::size_t number() const { return number_; }

 private:
  bool at_line_end() const { return position_ == text_.size() || text_[position_] == '\n'; }
  SaveWord plain_word();
  SaveWord quoted_word();

  std::string_view text_;
  std::vector<std::string_view> remarks_;
  std::size_t position_ = 0;
  std::size_t number_ = 1;
};

} // namespace flowspec
