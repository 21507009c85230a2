// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/support/namespace.hpp"

#include "common/error.hpp"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace flowspec::test {

namespace {

void raise_loopback() {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP;
  const int failed = fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) != 0 ? errno : 0;
  close(fd);
  if (failed)
    throw Error(with_errno("raise lo", failed));
}

} // namespace

NetworkNamespace::NetworkNamespace()
    : outside_(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)),
      lock_(std::filesystem::temp_directory_path() / ("xtables." + std::to_string(getpid()) + ".lock")) {
  if (outside_ < 0 || unshare(CLONE_NEWNET) != 0)
    throw Error(with_errno("this test needs root, for a network namespace of its own", errno));
  raise_loopback();
  setenv("XTABLES_LOCKFILE", lock_.c_str(), 1);
}

NetworkNamespace::~NetworkNamespace() {
  if (outside_ >= 0 && setns(outside_, CLONE_NEWNET) != 0)
    std::abort(); // nothing that follows would run where it thinks it does
  close(outside_);
  unlink(lock_.c_str());
  unsetenv("XTABLES_LOCKFILE");
}

} // namespace flowspec::test
