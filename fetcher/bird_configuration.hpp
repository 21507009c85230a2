// SPDX-License-Identifier: GPL-2.0-or-later
//
// The flowspec routes of a BIRD configuration that is in several files.
#pragma once

#include "fetcher/bird_statements.hpp"

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace flowspec {

struct ConfiguredRoute {
  std::string file;
  BirdRoute route;
};

/// An include that was not followed.
struct NotRead {
  std::string file;
  std::size_t line = 0;
  std::string include;
  std::string reason;
};

struct BirdConfiguration {
  std::vector<ConfiguredRoute> routes; ///< in BIRD's order
  std::vector<NotRead> not_read;
};

/// Reads `files` with `read_file`, which throws Error, and the files that they include, each once. An include
/// with a pattern, and one whose file cannot be read, is not followed. Throws Error when one of `files`
/// cannot be read, and when any file is not text or ends inside of a route, a comment or a string.
BirdConfiguration read_configuration(std::span<const std::string> files,
                                     const std::function<std::string(const std::string& path)>& read_file);

} // namespace flowspec
