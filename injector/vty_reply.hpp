// SPDX-License-Identifier: GPL-2.0-or-later
//
// What bgpd sends back over its vty socket: the text, which has no NUL, then three NULs and the return code
// in one byte (FRR's lib/vty.c). Any part of it may come alone.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace flowspec {

class VtyReply {
 public:
  /// Of a text of at most `limit` bytes.
  explicit VtyReply(std::size_t limit) : limit_(limit) {}

  /// Takes the next bytes, any number of them; true when the reply is whole. Throws Error for what is no
  /// reply, or too long a one; then this one is not to be used any more.
  bool take(std::string_view bytes);

  bool whole() const { return end_seen_ == end_length; }
  /// Of a whole reply: 0 success, 1 warning, 2 no such command ... (FRR's lib/command.h).
  int code() const { return code_; }
  const std::string& text() const& { return text_; }
  std::string text() && { return std::move(text_); }

 private:
  static constexpr std::size_t end_length = 4;

  std::size_t limit_;
  std::string text_;
  std::size_t end_seen_ = 0; ///< so many bytes behind the text
  int code_ = 0;
};

} // namespace flowspec
