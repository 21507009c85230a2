// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/error.hpp"
#include "common/printable.hpp"
#include "injector/world/commands.hpp"

#include <fmt/format.h>

#include <cstdio>

namespace flowspec {

void say(const std::string& what) {
  // Not fmt::print, which throws when standard error takes nothing, and main's handlers end here.
  std::fputs(fmt::format("flowspec-injector: {}\n", one_line(what)).c_str(), stderr);
}

void print(const std::string& text, bool changed) {
  if (std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0)
    return;
  const char* const refused = "write to standard output: it does not take the report";
  if (!changed)
    throw Error(fmt::format("{}; nothing was changed", refused));
  say(fmt::format("{}; the rules are changed, in full", refused));
}

} // namespace flowspec
