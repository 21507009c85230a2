// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/xtables_lock.hpp"

#include "common/error.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <thread>

namespace flowspec {

std::string XtablesLock::path() {
  const char* named = std::getenv("XTABLES_LOCKFILE");
  return named && *named ? named : "/run/xtables.lock";
}

XtablesLock::XtablesLock(std::chrono::milliseconds wait) {
  using Clock = std::chrono::steady_clock;
  const auto deadline = Clock::now() + wait;
  const std::string file = path();
  fd_ = open(file.c_str(), O_CREAT | O_RDONLY | O_CLOEXEC, 0600);
  if (fd_ < 0)
    throw Error(with_errno("open the lock " + file, errno) + (errno == EACCES ? " (needs root)" : ""));
  while (flock(fd_, LOCK_EX | LOCK_NB) != 0) {
    const int code = errno;
    const bool held = code == EWOULDBLOCK;
    if ((held && Clock::now() < deadline) || code == EINTR) {
      std::this_thread::sleep_for(
          std::min<Clock::duration>(std::chrono::milliseconds(10), deadline - Clock::now()));
      continue;
    }
    close(fd_);
    if (!held)
      throw Error(with_errno("lock " + file, code));
    throw Error(fmt::format(
        "lock {}: held for more than {:.3g} s by another program that changes iptables (iptables, "
        "docker, kube-proxy, a second injector; fuser -v {} names it): stop it, or wait longer (--wait)",
        file, std::chrono::duration<double>(wait).count(), file));
  }
}

XtablesLock::~XtablesLock() {
  close(fd_);
}

} // namespace flowspec
