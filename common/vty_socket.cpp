// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/vty_socket.hpp"

#include "common/deadline.hpp"
#include "common/descriptor.hpp"
#include "common/error.hpp"
#include "common/printable.hpp"

#include <fmt/format.h>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <thread>

namespace flowspec {

namespace {

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.find('\0') != std::string::npos || path.size() >= sizeof address.sun_path)
    throw Error(fmt::format("connect to {}: the path of a socket has 1 to {} characters", one_line(path),
                            sizeof address.sun_path - 1));
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

/// What an operator may want to know of a socket that cannot be connected to.
const char* hint(int code) {
  switch (code) {
  case ENOENT:
    return " (bgpd is not running, or has its sockets elsewhere)";
  case ECONNREFUSED:
    return " (nobody listens there: bgpd has ended)";
  case EACCES:
    return " (needs root or the group frrvty)";
  default:
    return "";
  }
}

/// A stopped daemon gets connections until its queue is full; from then on they fail at once, and are tried
/// again.
Descriptor connect_to(const std::string& path, const Deadline& deadline) {
  const std::string attempt = "connect to " + path;
  const sockaddr_un address = address_of(path);
  Descriptor descriptor(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!descriptor.open())
    throw Error(with_errno(attempt, errno));
  while (connect(descriptor.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const int code = errno;
    if (code != EAGAIN && code != EINTR)
      throw Error(with_errno(attempt, code) + hint(code));
    if (deadline.over())
      throw Error(fmt::format("{}: bgpd took no connection within {:.3g} s", attempt, deadline.seconds()));
    std::this_thread::sleep_for(std::chrono::milliseconds(std::min(10, deadline.milliseconds_left())));
  }
  return descriptor;
}

/// Returns once the socket is ready for `events`, or has failed.
void wait_for(short events, const Descriptor& descriptor, const std::string& attempt,
              const Deadline& deadline) {
  while (true) {
    pollfd waiting{descriptor.get(), events, 0};
    const int ready = poll(&waiting, 1, deadline.milliseconds_left());
    if (ready < 0 && errno != EINTR)
      throw Error(with_errno(attempt, errno));
    if (deadline.over()) // also when it never stops sending
      throw Error(fmt::format("{}: no whole answer within {:.3g} s", attempt, deadline.seconds()));
    if (ready > 0)
      return;
  }
}

bool try_again(int code) {
  return code == EAGAIN || code == EINTR;
}

} // namespace

void converse(const std::string& path, std::string_view request, std::chrono::milliseconds time,
              const std::function<bool(std::string_view piece)>& take) {
  const Deadline deadline(time);
  const Descriptor descriptor = connect_to(path, deadline);

  const std::string sending = "send to " + path;
  while (!request.empty()) {
    wait_for(POLLOUT, descriptor, sending, deadline);
    const ssize_t sent = send(descriptor.get(), request.data(), request.size(), MSG_NOSIGNAL);
    if (sent < 0 && !try_again(errno))
      throw Error(with_errno(sending, errno));
    request.remove_prefix(sent < 0 ? 0 : static_cast<std::size_t>(sent));
  }

  const std::string receiving = "receive from " + path;
  std::array<char, 65536> buffer;
  std::size_t received = 0;
  while (true) {
    wait_for(POLLIN, descriptor, receiving, deadline);
    const ssize_t got = recv(descriptor.get(), buffer.data(), buffer.size(), 0);
    if (got < 0 && try_again(errno))
      continue;
    if (got == 0 || (got < 0 && errno == ECONNRESET))
      throw Error(
          fmt::format("{}: bgpd closed the connection after {} bytes of its answer", receiving, received));
    if (got < 0)
      throw Error(with_errno(receiving, errno));
    received += static_cast<std::size_t>(got);
    if (take({buffer.data(), static_cast<std::size_t>(got)}))
      return;
  }
}

} // namespace flowspec
