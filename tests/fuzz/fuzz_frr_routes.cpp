// SPDX-License-Identifier: GPL-2.0-or-later
//
// FRR's routes, from text to rules: any bytes give entries, rejected routes or an Error, and nothing else.
#include "common/error.hpp"
#include "injector/frr_routes.hpp"
#include "injector/wanted.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace flowspec;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const Family family : {Family::ipv4, Family::ipv6})
    for (const char* carrier : {"rt:65535", "marking"})
      try {
        arrange(
            read_frr_routes(text, family, {*parse_sequence_carrier(carrier), OperatorTable::rfc8955}).entries,
            std::array{family}, {});
      } catch (const Error&) {
      }
  return 0;
}
