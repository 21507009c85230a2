// SPDX-License-Identifier: GPL-2.0-or-later
//
// The client for bgpd's vty socket against listeners that behave, misbehave, or do nothing.
#include "common/descriptor.hpp"
#include "common/error.hpp"
#include "common/temporary_directory.hpp"
#include "common/vty_socket.hpp"
#include "injector/ask_socket.hpp"

#include <catch2/catch.hpp>

#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <utility>

using namespace flowspec;
using namespace std::chrono_literals;
using namespace std::string_literals;

namespace {

/// No test waits for so long: it is there to end one that hangs.
constexpr std::chrono::milliseconds long_enough = 60s;

Descriptor listen_at(const std::string& path, int backlog = 10) {
  Descriptor descriptor(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  REQUIRE(path.size() < sizeof address.sun_path);
  std::memcpy(address.sun_path, path.data(), path.size());
  REQUIRE(bind(descriptor.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(listen(descriptor.get(), backlog) == 0);
  return descriptor;
}

/// How one side of a connection sees it.
class Connection {
 public:
  explicit Connection(int descriptor) : descriptor_(descriptor) {}

  /// Up to its NUL.
  std::string request() {
    std::string text;
    char byte = 0;
    while (recv(descriptor_.get(), &byte, 1, 0) == 1 && byte != '\0')
      text += byte;
    return text;
  }
  /// False when nobody listens any more.
  bool say(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = send(descriptor_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0)
        return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  /// Until the other side closes.
  void wait_for_end() {
    std::array<char, 100> ignored;
    while (recv(descriptor_.get(), ignored.data(), ignored.size(), 0) > 0)
      continue;
  }

 private:
  Descriptor descriptor_;
};

/// Answers one connection after another with `serve`, until it is destroyed.
class FakeBgpd {
 public:
  explicit FakeBgpd(std::function<void(Connection&)> serve, const std::string& name = "bgpd.vty")
      : path(directory_.path() / name), listener_(listen_at(path)), serve_(std::move(serve)),
        thread_([this] { run(); }) {}
  ~FakeBgpd() {
    shutdown(listener_.get(), SHUT_RDWR); // ends accept
    thread_.join();
  }
  FakeBgpd(const FakeBgpd&) = delete;
  FakeBgpd& operator=(const FakeBgpd&) = delete;

  AskFrr asked(std::chrono::milliseconds time = long_enough, std::size_t largest = 1U << 30) const {
    return ask_socket(
        [=, this](std::string_view request, const auto& take) { converse(path, request, time, take); },
        largest);
  }

 private:
  void run() {
    int accepted = -1;
    while ((accepted = accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)) >= 0) {
      Connection connection(accepted);
      serve_(connection);
    }
  }

  TemporaryDirectory directory_;

 public:
  const std::string path;

 private:
  Descriptor listener_;
  std::function<void(Connection&)> serve_;
  std::thread thread_;
};

std::string whole(const std::string& text, char code = 0) {
  return text + "\0\0\0"s + code;
}

std::size_t open_descriptors() {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                                                std::filesystem::directory_iterator()));
}

/// What became of a request to `path` that nobody has to answer.
std::string words_of(const std::string& path, std::chrono::milliseconds time = long_enough) {
  try {
    converse(path, "x"s + '\0', time, [](std::string_view) { return true; });
    return "answered";
  } catch (const Error& error) {
    return error.what();
  }
}

} // namespace

TEST_CASE("bgpd's answers come as they were sent, one after another") {
  FakeBgpd bgpd(
      [](Connection& connection) { connection.say(whole("you said " + connection.request() + "\n")); });
  const AskFrr ask = bgpd.asked();
  const std::size_t before = open_descriptors();
  for (int i = 0; i < 100; ++i)
    CHECK(ask("show " + std::to_string(i)) == "you said show " + std::to_string(i) + "\n");
  CHECK(open_descriptors() <= before + 1); // the listener's side of the last one may still be open
}

TEST_CASE("an answer of many megabytes is read to its end") {
  std::string routes;
  while (routes.size() < 20'000'000)
    routes += "[{\"to\":\"198.51.100." + std::to_string(routes.size() % 256) + "\\/32\"},{\"time\":1}]\n";
  FakeBgpd bgpd([&](Connection& connection) {
    connection.request();
    connection.say(whole(routes));
  });
  CHECK((bgpd.asked()("show bgp ipv4 flowspec detail json") == routes)); // parentheses: not to be printed
}

TEST_CASE("an answer that comes byte by byte is read to its end") {
  FakeBgpd bgpd([](Connection& connection) {
    connection.request();
    for (const char byte : whole("[ ]\n"))
      connection.say({&byte, 1});
  });
  CHECK(bgpd.asked()("show x") == "[ ]\n");
}

TEST_CASE("a bgpd that dies in mid-answer has given none") {
  for (const std::string& part : {""s, "[{\"to\":"s, "[]"s, whole("[]").substr(0, 5)}) {
    FakeBgpd bgpd([&](Connection& connection) {
      connection.request();
      connection.say(part);
    });
    CHECK_THROWS_WITH(bgpd.asked()("show x"),
                      Catch::Equals("ask FRR (show x): receive from " + bgpd.path +
                                    ": bgpd closed the connection after " + std::to_string(part.size()) +
                                    " bytes of its answer"));
  }
}

TEST_CASE("a bgpd that hangs up before the request is a failure, and not the end of this process") {
  FakeBgpd bgpd([](Connection&) {});
  for (int i = 0; i < 20; ++i) // now in sending, now in receiving
    CHECK_THROWS_AS(bgpd.asked()(std::string(4000, 'x')), NoAnswer);
}

TEST_CASE("a bgpd that was restarted answers the next command") {
  std::atomic<int> connections = 0;
  FakeBgpd bgpd([&](Connection& connection) {
    connection.request();
    if (++connections != 2)
      connection.say(whole("fine"));
  });
  const AskFrr ask = bgpd.asked();
  CHECK(ask("show x") == "fine");
  CHECK_THROWS_AS(ask("show x"), NoAnswer);
  CHECK(ask("show x") == "fine");
}

TEST_CASE("the time limit holds whatever bgpd does") {
  std::function<void(Connection&)> serve;
  SECTION("it is silent") {
    serve = [](Connection& connection) { connection.wait_for_end(); };
  }
  SECTION("it stops in mid-answer") {
    serve = [](Connection& connection) {
      connection.say("[]\n");
      connection.wait_for_end();
    };
  }
  SECTION("it never comes to an end") {
    serve = [](Connection& connection) {
      while (connection.say("x"))
        std::this_thread::sleep_for(1ms);
    };
  }
  FakeBgpd bgpd(serve);
  CHECK_THROWS_WITH(bgpd.asked(200ms)("show x"), Catch::Equals("ask FRR (show x): receive from " + bgpd.path +
                                                               ": no whole answer within 0.2 s"));
}

TEST_CASE("a stopped bgpd, with room in its queue or without, holds nobody up") {
  const TemporaryDirectory directory;
  const std::string path = directory.path() / "bgpd.vty";
  const Descriptor nobody_accepts = listen_at(path, 1);
  CHECK(words_of(path, 50ms) == "receive from " + path + ": no whole answer within 0.05 s");
  std::string words;
  for (int tries = 0; tries < 5 && !words.starts_with("connect"); ++tries) // closed ones stay in the queue
    words = words_of(path, 50ms);
  CHECK(words == "connect to " + path + ": bgpd took no connection within 0.05 s");
}

TEST_CASE("garbage without an end is refused at the limit, and what it holds is not more") {
  std::atomic<std::size_t> sent = 0;
  FakeBgpd bgpd([&](Connection& connection) {
    const std::string garbage(100'000, 'x');
    while (sent < 300'000'000 && connection.say(garbage))
      sent += garbage.size();
  });
  CHECK_THROWS_WITH(bgpd.asked(long_enough, 5'000'000)("show x"),
                    Catch::Equals("ask FRR (show x): bgpd's answer has more than 5000000 bytes"));
  CHECK(sent < 20'000'000); // the kernel's buffers are in between
}

TEST_CASE("a socket that cannot be connected to is an error with the cause") {
  const TemporaryDirectory directory;
  const std::string path = directory.path() / "bgpd.vty";
  CHECK(words_of(path) ==
        "connect to " + path +
            ": No such file or directory (bgpd is not running, or has its sockets elsewhere)");
  static_cast<void>(listen_at(path)); // closed at once, and the file stays
  CHECK(words_of(path) ==
        "connect to " + path + ": Connection refused (nobody listens there: bgpd has ended)");
  directory.add("file", "x");
  CHECK(words_of(directory.path() / "file") ==
        "connect to " + (directory.path() / "file").string() +
            ": Connection refused (nobody listens there: bgpd has ended)");
  for (const std::string& wrong : {""s, std::string(108, 'x')})
    CHECK(words_of(wrong) == "connect to " + wrong + ": the path of a socket has 1 to 107 characters");
  CHECK(words_of("a\0b"s) == R"(connect to a\x00b: the path of a socket has 1 to 107 characters)");
}

TEST_CASE("who is not in bgpd's group is told of it") {
  const TemporaryDirectory directory; // nobody else may look into it
  const std::string path = directory.path() / "bgpd.vty";
  const Descriptor listener = listen_at(path);
  std::string words;
  std::thread(
      [&] { // the call itself, without the C library: this thread becomes another user, and no other one
        if (syscall(SYS_setresuid, 65534, 65534, 65534) == 0)
          words = words_of(path);
      })
      .join();
  CHECK(words == "connect to " + path + ": Permission denied (needs root or the group frrvty)");
}
