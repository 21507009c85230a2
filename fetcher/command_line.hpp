// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "fetcher/generate.hpp"
#include "fetcher/lint.hpp"

#include <string>
#include <variant>

namespace flowspec {

/// The text that --help or --version asks for.
struct PrintText {
  std::string text;
  bool operator==(const PrintText&) const = default;
};

/// `check`: says in words what the configuration and the policy ask for.
struct CheckOptions {
  GenerateOptions generate;
  bool operator==(const CheckOptions&) const = default;
};

using FetcherCommand = std::variant<PrintText, GenerateOptions, LintOptions, CheckOptions>;

/// Reads the arguments of main. Throws UsageError.
FetcherCommand parse_command_line(int argc, const char* const* argv, const std::string& version);

} // namespace flowspec
