// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <stdexcept>
#include <string>

namespace flowspec {

/// A bad environment: what was asked for cannot be done now, and nothing was changed. The message says what
/// was attempted, the offending value and the cause. A bad route or rule is a `Rejected` instead.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A command line or configuration that cannot be carried out as written: exit code 2.
class UsageError : public Error {
 public:
  using Error::Error;
};

/// `what`, then the text of the errno value `code`: "open /x: No such file or directory".
std::string with_errno(const std::string& what, int code);

} // namespace flowspec
