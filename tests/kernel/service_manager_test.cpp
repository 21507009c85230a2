// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/error.hpp"
#include "common/service_manager.hpp"
#include "common/signal_queue.hpp"

#include <catch2/catch.hpp>

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <filesystem>

using namespace flowspec;
using namespace std::chrono_literals;

namespace {

/// A service manager's socket at `address`, "@..." in the abstract name space, and $NOTIFY_SOCKET.
class NotifySocket {
 public:
  explicit NotifySocket(const std::string& address)
      : address_(address), fd_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_un where{};
    where.sun_family = AF_UNIX;
    address.copy(where.sun_path, sizeof where.sun_path - 1);
    if (address[0] == '@')
      where.sun_path[0] = '\0';
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.size());
    REQUIRE(bind(fd_, reinterpret_cast<const sockaddr*>(&where), length) == 0);
    setenv("NOTIFY_SOCKET", address.c_str(), 1);
  }
  ~NotifySocket() {
    unsetenv("NOTIFY_SOCKET");
    close(fd_);
    if (address_[0] != '@')
      unlink(address_.c_str());
  }
  NotifySocket(const NotifySocket&) = delete;
  NotifySocket& operator=(const NotifySocket&) = delete;

  /// The next message; empty when there is none.
  std::string next() const {
    char message[4096];
    const ssize_t got = recv(fd_, message, sizeof message, 0);
    return {message, static_cast<std::size_t>(std::max<ssize_t>(got, 0))};
  }

 private:
  std::string address_;
  int fd_;
};

std::string socket_path() {
  return std::filesystem::temp_directory_path() / ("notify." + std::to_string(getpid()));
}

} // namespace

TEST_CASE("the service manager hears what it is told") {
  const NotifySocket manager(GENERATE(socket_path(), "@flowspec/notify." + std::to_string(getpid())));
  tell_service_manager("READY=1");
  tell_service_manager("STATUS=12 routes in 15 rules\nWATCHDOG=1");
  CHECK(manager.next() == "READY=1");
  CHECK(manager.next() == "STATUS=12 routes in 15 rules\nWATCHDOG=1");
  CHECK(manager.next().empty());
}

TEST_CASE("a reload is told with its time") {
  const NotifySocket manager(socket_path());
  const auto before = since_machine_start();
  tell_service_manager("RELOADING=1");
  const auto after = since_machine_start() + 1ms;
  const std::string message = manager.next();
  const std::string begin = "RELOADING=1\nMONOTONIC_USEC=";
  REQUIRE(message.find(begin) == 0);
  const std::chrono::microseconds time(std::stoll(message.substr(begin.size())));
  CHECK(time >= before);
  CHECK(time <= after);
}

TEST_CASE("without a service manager there is nobody to be told") {
  unsetenv("NOTIFY_SOCKET");
  CHECK_NOTHROW(tell_service_manager("READY=1"));
}

TEST_CASE("a service manager that cannot be told is an error") {
  setenv("NOTIFY_SOCKET", "/nonesuch/notify", 1);
  CHECK_THROWS_WITH(tell_service_manager("READY=1"),
                    Catch::Equals("tell the service manager at /nonesuch/notify: No such file or directory"));
  setenv("NOTIFY_SOCKET", "not a path", 1);
  CHECK_THROWS_AS(tell_service_manager("READY=1"), Error);
  unsetenv("NOTIFY_SOCKET");
}

TEST_CASE("the watchdog's period is known when it watches this process") {
  struct Row {
    const char* period;
    std::string process;
    std::optional<std::chrono::microseconds> expected;
  };
  const std::string self = std::to_string(getpid());
  for (const Row& row :
       {Row{"30000000", self, 30s}, Row{"30000000", "1", std::nullopt}, Row{"30000000", "", 30s},
        Row{"0", self, std::nullopt}, Row{"x", self, std::nullopt}, Row{"", "", std::nullopt}}) {
    CAPTURE(row.period, row.process);
    unsetenv("WATCHDOG_PID");
    unsetenv("WATCHDOG_USEC");
    if (*row.period != '\0')
      setenv("WATCHDOG_USEC", row.period, 1);
    if (!row.process.empty())
      setenv("WATCHDOG_PID", row.process.c_str(), 1);
    CHECK(watchdog_period() == row.expected);
  }
  unsetenv("WATCHDOG_PID");
  unsetenv("WATCHDOG_USEC");
}
