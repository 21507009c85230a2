// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>

namespace flowspec {

/// An exclusive flock on a file, which is made for its owner alone when it is not there, and stays; who may
/// read it may take it. Held while the object lives; the kernel lets go of it however the process ends.
class FileLock {
 public:
  /// Waits up to `wait` for it. Throws LockHeld, with `advice` behind the cause, when somebody else holds it
  /// for longer, and Error when the file cannot be opened.
  FileLock(const std::string& file, std::chrono::milliseconds wait, const std::string& advice,
           bool follow_links = true);
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

  /// Gives the file to somebody. Throws Error, also when it has another name besides: then it may be
  /// anybody's.
  void give_to(uid_t user, gid_t group) const;

  /// How long it took; 0 when nobody else held it.
  std::chrono::milliseconds waited() const { return waited_; }

 private:
  std::string file_;
  int fd_ = -1;
  std::chrono::milliseconds waited_{0};
};

} // namespace flowspec
