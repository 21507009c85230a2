// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/lint_finding.hpp"

namespace flowspec {

std::string_view name(LintKind kind) {
  switch (kind) {
  case LintKind::reset:
    return "reset";
  case LintKind::lost:
    return "lost";
  case LintKind::misread:
    return "misread";
  case LintKind::refused_by_bird:
    return "refused-by-bird";
  case LintKind::unknown:
    break;
  }
  return "unknown";
}

} // namespace flowspec
