// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/rule.hpp"

namespace flowspec {

std::string_view name(Verdict verdict) {
  switch (verdict) {
  case Verdict::accept:
    return "ACCEPT";
  case Verdict::drop:
    return "DROP";
  case Verdict::return_:
    return "RETURN";
  }
  return "";
}

} // namespace flowspec
