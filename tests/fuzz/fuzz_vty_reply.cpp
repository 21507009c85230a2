// SPDX-License-Identifier: GPL-2.0-or-later
//
// What comes over bgpd's socket: any bytes are the beginning of a reply, a reply, or an Error, and the same
// however they were cut. The first byte says how.
#include "common/error.hpp"
#include "injector/vty_reply.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

namespace {

/// Whether it is whole, its code, its text; none when it is refused.
using Read = std::optional<std::tuple<bool, int, std::string>>;

Read read_in_pieces(std::string_view bytes, std::size_t piece) {
  constexpr std::size_t limit = 1000;
  flowspec::VtyReply reply(limit);
  try {
    for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size())))
      reply.take(bytes.substr(0, piece));
  } catch (const flowspec::Error&) {
    return std::nullopt;
  }
  if (reply.text().size() > limit || reply.text().find('\0') != std::string::npos)
    std::abort();
  return std::tuple(reply.whole(), reply.code(), reply.text());
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0)
    return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Read at_once = read_in_pieces(bytes, size);
  if (read_in_pieces(bytes, std::size_t{1} + data[0]) != at_once || read_in_pieces(bytes, 1) != at_once)
    std::abort();
  return 0;
}
