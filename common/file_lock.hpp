// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <string>

namespace flowspec {

/// An exclusive flock on a file, which is made for its owner alone when it is not there, and stays; who may
/// read it may take it. Held while the object lives; the kernel lets go of it however the process ends.
class FileLock {
 public:
  /// Waits up to `wait` for it. Throws LockHeld, with `advice` behind the cause, when somebody else holds it
  /// for longer, and Error when the file cannot be opened.
  FileLock(const std::string& file, std::chrono::milliseconds wait, const std::string& advice);
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

  /// How long it took; 0 when nobody else held it.
  std::chrono::milliseconds waited() const { return waited_; }

 private:
  int fd_ = -1;
  std::chrono::milliseconds waited_{0};
};

} // namespace flowspec
