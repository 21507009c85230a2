// SPDX-License-Identifier: GPL-2.0-or-later
//
// The options of generate as CLI11 knows them, and their help.
#pragma once

#include "fetcher/generate.hpp"

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

namespace flowspec {

/// What CLI11 fills in before it is turned into GenerateOptions.
struct RawGenerate {
  std::string rules, rules6, output, birdc_socket, frr, policy;
  std::string family = "both";
  std::string sequence = "rt:65535";
  std::string stateful = "default-drop";
  std::vector<std::string> interface_targets; ///< "[in:|out:]IFACE=ASN:N"
  double wait = 10;
  double timeout = 10;
};

/// Adds them to `app`; CLI11 fills in `options` and `raw`, which must outlive the parsing.
void add_generate_options(CLI::App& app, GenerateOptions& options, RawGenerate& raw);

/// What the options say together. Throws UsageError.
void finish_generate_options(GenerateOptions& options, const RawGenerate& raw, const CLI::App& app);

} // namespace flowspec
