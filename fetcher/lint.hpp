// SPDX-License-Identifier: GPL-2.0-or-later
//
// `flowspec-fetcher lint`: which routes of a BIRD configuration FRR would answer with a session reset, and
// why.
#pragma once

#include <functional>
#include <iosfwd>
#include <string>
#include <vector>

namespace flowspec {

struct LintOptions {
  std::vector<std::string> files; ///< "-" is standard input
  bool json = false;

  bool operator==(const LintOptions&) const = default;
};

/// Reads the files with `read_file`, which throws Error, and the files that they include, each once: together
/// they are one configuration. An `include` with a pattern, and one whose file cannot be read, is left out
/// and said on `err`. Findings go to `out`, a line each ("FILE:LINE: KIND: REASON: ROUTE") or as JSON:
/// {"findings":
/// [{"file", "line", "kind", "reason", "route"}], "routes": N, "not_read": [{"file", "line", "include",
/// "reason"}]}. The kinds are those of LintKind. Counts and words for a person go to `err`.
///
/// Returns the exit code: 0 when FRR takes every route and shows it as it is meant, 1 when there are
/// findings, of whatever kind. Throws Error when a file cannot be read, is not text, or ends inside of a
/// route, a comment or a string.
int lint(const LintOptions& options, const std::function<std::string(const std::string& path)>& read_file,
         std::ostream& out, std::ostream& err);

} // namespace flowspec
