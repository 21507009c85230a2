// SPDX-License-Identifier: GPL-2.0-or-later
//
// Two halves of one piece of work, for the second processor.
#pragma once

#include <functional>
#include <future>
#include <system_error>

namespace flowspec {

/// Calls both, the second in a thread of its own; one behind the other where there is no thread to be had.
/// Returns or throws when both have ended. What the first throws comes before what the second does.
template <class First, class Second>
void side_by_side(First first, Second second) {
  std::future<void> other;
  try {
    other = std::async(std::launch::async, std::ref(second));
  } catch (const std::system_error&) {
  }
  first(); // when it throws, the future waits for the other
  if (other.valid())
    other.get();
  else
    second();
}

} // namespace flowspec
