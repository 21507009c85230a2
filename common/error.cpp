// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/error.hpp"

#include <system_error>

namespace flowspec {

std::string with_errno(const std::string& what, int code) {
  return what + ": " + std::generic_category().message(code);
}

} // namespace flowspec
