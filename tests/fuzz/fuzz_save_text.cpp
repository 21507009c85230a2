// SPDX-License-Identifier: GPL-2.0-or-later
//
// iptables-save text, from text to BIRD's configuration: any bytes give a configuration, rules that were left
// out, or an Error, and nothing else.
#include "common/error.hpp"
#include "fetcher/generate.hpp"

#include <cstddef>
#include <cstdint>
#include <sstream>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace flowspec;
  const std::string text(reinterpret_cast<const char*>(data), size);
  GenerateEffects effects;
  effects.read_file = [&text](const std::string&) { return text; };
  GenerateOptions options;
  options.skip_unsupported = true;
  for (const Family family : {Family::ipv4, Family::ipv6})
    try {
      (family == Family::ipv4 ? options.rules : options.rules6) = "f";
      (family == Family::ipv4 ? options.rules6 : options.rules).reset();
      std::ostringstream out;
      std::ostringstream err;
      generate(options, effects, out, err);
    } catch (const Error&) {
    }
  return 0;
}
