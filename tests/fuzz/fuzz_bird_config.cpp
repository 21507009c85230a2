// SPDX-License-Identifier: GPL-2.0-or-later
//
// BIRD's configuration, from text to findings: any bytes give findings or an Error, and nothing else. A
// finding is one line, whatever was in the file.
#include "common/error.hpp"
#include "fetcher/lint.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <sstream>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace flowspec;
  const std::string text(reinterpret_cast<const char*>(data), size);
  for (const bool json : {false, true})
    try {
      std::ostringstream out;
      std::ostringstream err;
      lint(
          {{"f"}, json}, [&text](const std::string&) { return text; }, out, err);
      if (!json && std::ranges::any_of(out.str(), [](char c) { return c != '\n' && c >= 0 && c < ' '; }))
        std::abort();
    } catch (const Error&) {
    }
  return 0;
}
