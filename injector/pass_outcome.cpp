// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/pass_outcome.hpp"

namespace flowspec {

std::string_view name(Cause cause) {
  switch (cause) {
  case Cause::no_answer:
    return "no-answer";
  case Cause::bad_answer:
    return "bad-answer";
  case Cause::refused:
    return "refused";
  case Cause::kernel:
    return "kernel";
  case Cause::lock:
    return "lock";
  case Cause::state:
    return "state";
  case Cause::resources:
    return "resources";
  }
  return "unknown"; // only a value that no enumerator has gets here
}

} // namespace flowspec
