// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/process.hpp"
#include "common/signal_queue.hpp"

#include <catch2/catch.hpp>

#include <unistd.h>

#include <thread>

using namespace flowspec;
using namespace std::chrono_literals;

namespace {

void send(int signal_number) {
  REQUIRE(kill(getpid(), signal_number) == 0);
}

std::chrono::milliseconds in(std::chrono::milliseconds time) {
  return since_machine_start() + time;
}

} // namespace

TEST_CASE("each signal is what it asks for") {
  SignalQueue queue;
  struct Row {
    int signal_number;
    Wake wake;
  };
  for (const Row& row : {Row{SIGTERM, Wake::stop}, Row{SIGINT, Wake::stop}, Row{SIGHUP, Wake::reload},
                         Row{SIGUSR1, Wake::poll_now}}) {
    CAPTURE(row.signal_number);
    send(row.signal_number);
    CHECK(queue.wait_until(in(60s)) == row.wake);
    CHECK(queue.wait_until(in(0s)) == Wake::time); // once
  }
}

TEST_CASE("without a signal the wait ends at its deadline and not before") {
  SignalQueue queue;
  const auto deadline = in(50ms);
  CHECK(queue.wait_until(deadline) == Wake::time);
  CHECK(since_machine_start() >= deadline);
  const auto before = since_machine_start();
  CHECK(queue.wait_until(before - 10s) == Wake::time);
  CHECK(queue.wait_until(0ms) == Wake::time);
  CHECK(since_machine_start() - before < 10s);
}

TEST_CASE("a signal that is there already needs no time, and one that comes ends the wait") {
  SignalQueue queue;
  send(SIGUSR1);
  CHECK(queue.wait_until(0ms) == Wake::poll_now);
  std::thread sender([] {
    std::this_thread::sleep_for(20ms);
    kill(getpid(), SIGHUP);
  });
  CHECK(queue.wait_until(std::chrono::milliseconds::max()) == Wake::reload);
  sender.join();
}

TEST_CASE("a stop comes before all else, and the rest after it") {
  SignalQueue queue;
  for (const int signal_number : {SIGUSR1, SIGHUP, SIGTERM})
    send(signal_number);
  CHECK(queue.wait_until(in(60s)) == Wake::stop);
  CHECK(queue.wait_until(in(60s)) == Wake::poll_now);
}

TEST_CASE("stops that nobody waits for any more end nothing") {
  {
    SignalQueue queue;
    send(SIGTERM);
    send(SIGINT);
    send(SIGTERM);
    CHECK(queue.wait_until(in(60s)) == Wake::stop);
  }
  SUCCEED("the second one has been forgotten");
}

TEST_CASE("at the end signals are as they were before") {
  sigset_t before;
  pthread_sigmask(SIG_SETMASK, nullptr, &before);
  struct sigaction pipe_before {};
  sigaction(SIGPIPE, nullptr, &pipe_before);
  {
    SignalQueue queue;
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    close(ends[0]);
    CHECK(write(ends[1], "x", 1) == -1); // and nobody is killed by it
    close(ends[1]);
    // Programs that are started from here know nothing of it.
    for (const char* name : {"TERM", "HUP", "USR1", "PIPE"})
      CHECK(run({"sh", "-c", std::string("kill -") + name + " $$; echo alive"}).out.empty());
  }
  sigset_t after;
  pthread_sigmask(SIG_SETMASK, nullptr, &after);
  for (const int signal_number : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGPIPE})
    CHECK(sigismember(&before, signal_number) == sigismember(&after, signal_number));
  struct sigaction pipe_after {};
  sigaction(SIGPIPE, nullptr, &pipe_after);
  CHECK(pipe_before.sa_handler == pipe_after.sa_handler);
}
