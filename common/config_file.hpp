// SPDX-License-Identifier: GPL-2.0-or-later
//
// A command's words and the file of options that --config names, as both programs read them.
#pragma once

#include <CLI/CLI.hpp>

#include <optional>
#include <string>
#include <vector>

namespace flowspec {

/// A key of the file that an option of the command line sets aside: together they would be refused.
struct SetAside {
  std::string key;
  std::string option;
  std::string value = {}; ///< the option's, with which it does so; empty: any
};

/// Adds --config to `app`, which must not be moved then. The file at `default_path` need not be there.
void add_config_option(CLI::App& app, const std::string& default_path, std::vector<SetAside> set_aside);

/// Reads the words behind argv[0], and then the file. Throws UsageError; CLI::ParseError with exit code 0
/// when they ask for the help or the version.
void parse_words(CLI::App& app, int argc, const char* const* argv);

/// The file that parse_words() read; none: the default one is not there.
std::optional<std::string> config_file_read(const CLI::App& app);

} // namespace flowspec
