// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/vty_reply.hpp"

#include "common/error.hpp"

#include <fmt/format.h>

namespace flowspec {

bool VtyReply::take(std::string_view bytes) {
  if (end_seen_ == 0) {
    const std::string_view text = bytes.substr(0, bytes.find('\0'));
    if (text.size() > limit_ - text_.size())
      throw Error(fmt::format("bgpd's answer has more than {} bytes", limit_));
    text_ += text;
    bytes.remove_prefix(text.size());
  }
  for (const char byte : bytes) {
    if (whole())
      throw Error(fmt::format("bgpd's answer goes on behind its end, which is at byte {}", text_.size()));
    if (end_seen_ + 1 < end_length && byte != '\0')
      throw Error(fmt::format("bgpd's answer has a NUL at byte {} that does not end it", text_.size()));
    code_ = static_cast<unsigned char>(byte);
    ++end_seen_;
  }
  return whole();
}

} // namespace flowspec
