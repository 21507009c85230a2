// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/file_lock.hpp"

#include "common/lock_held.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <thread>

namespace flowspec {

FileLock::FileLock(const std::string& file, std::chrono::milliseconds wait, const std::string& advice,
                   bool follow_links)
    : file_(file) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  const auto deadline = start + wait;
  fd_ = open(file.c_str(), O_CREAT | O_RDONLY | O_CLOEXEC | (follow_links ? 0 : O_NOFOLLOW), 0600);
  if (fd_ < 0)
    throw Error(with_errno("open the lock " + file, errno) +
                (errno == EACCES ? " (needs root, or a file that may be read)" : ""));
  bool waiting = false;
  while (flock(fd_, LOCK_EX | LOCK_NB) != 0) {
    const int code = errno;
    const bool held = code == EWOULDBLOCK;
    if ((held && Clock::now() < deadline) || code == EINTR) {
      waiting = waiting || held;
      std::this_thread::sleep_for(
          std::min<Clock::duration>(std::chrono::milliseconds(10), deadline - Clock::now()));
      continue;
    }
    close(fd_);
    if (!held)
      throw Error(with_errno("lock " + file, code));
    throw LockHeld(fmt::format("lock {}: held for more than {:.3g} s by another program{}", file,
                               std::chrono::duration<double>(wait).count(), advice));
  }
  if (waiting)
    waited_ = std::max(std::chrono::milliseconds(1),
                       std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start));
}

void FileLock::give_to(uid_t user, gid_t group) const {
  struct stat status {};
  const bool known = fstat(fd_, &status) == 0;
  if (known && (!S_ISREG(status.st_mode) || status.st_nlink != 1))
    throw Error(fmt::format("give {} to user {}: it is no regular file of one name", file_, user));
  if (!known || fchown(fd_, user, group) != 0)
    throw Error(with_errno(fmt::format("give {} to user {}", file_, user), errno));
}

FileLock::~FileLock() {
  close(fd_);
}

} // namespace flowspec
