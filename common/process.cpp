// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/process.hpp"

#include "common/deadline.hpp"
#include "common/descriptor.hpp"
#include "common/error.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <thread>

namespace flowspec {

namespace {

/// Standard error is for a person: what is beyond this is read and let go.
constexpr std::size_t most_error_text = 1U << 20;

struct Pipe {
  Descriptor read_end;
  Descriptor write_end;
};

/// Both ends above 2, so that putting them in place of the standard ones never overwrites one of them.
Pipe make_pipe(const std::string& attempt) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    throw Error(with_errno(attempt, errno));
  const Descriptor low_read(ends[0]);
  const Descriptor low_write(ends[1]);
  Pipe pipe{Descriptor(fcntl(ends[0], F_DUPFD_CLOEXEC, 3)), Descriptor(fcntl(ends[1], F_DUPFD_CLOEXEC, 3))};
  if (!pipe.read_end.open() || !pipe.write_end.open())
    throw Error(with_errno(attempt, errno));
  return pipe;
}

/// "run vtysh -c show version", not longer than a line can be.
std::string title(const std::vector<std::string>& argv) {
  constexpr std::size_t longest = 200;
  std::string text = "run";
  for (const std::string& argument : argv)
    text += ' ' + argument;
  return text.size() <= longest ? text : text.substr(0, longest) + "...";
}

/// A child in a process group of its own, killed with all of the group and reaped unless it has been waited
/// for.
class Child {
 public:
  Child(const std::vector<std::string>& argv, const Pipe& out, const Pipe& err, const std::string& attempt);
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (pid_ <= 0)
      return;
    kill(-pid_, SIGKILL);
    while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR)
      continue;
  }

  /// Its status as waitpid has it, when it ends before `deadline`. Throws Error when somebody else has waited
  /// for it.
  bool wait_until(const Deadline& deadline, int& status);

 private:
  pid_t pid_ = -1;
};

Child::Child(const std::vector<std::string>& argv, const Pipe& out, const Pipe& err,
             const std::string& attempt) {
  std::vector<char*> arguments;
  arguments.reserve(argv.size() + 1);
  for (const std::string& argument : argv)
    arguments.push_back(const_cast<char*>(argument.c_str())); // POSIX promises not to write there
  arguments.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, out.write_end.get(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, err.write_end.get(), STDERR_FILENO);

  // What we ignore or block, the child must not.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

  const int code = posix_spawnp(&pid_, arguments[0], &actions, &attributes, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (code != 0) {
    pid_ = -1;
    throw Error(with_errno(attempt, code));
  }
}

bool Child::wait_until(const Deadline& deadline, int& status) {
  // Its pipes are closed, so that it has nearly always ended: the first look finds it, or one soon after.
  for (auto pause = std::chrono::microseconds(200);;
       pause = std::min(pause * 2, std::chrono::microseconds(20'000))) {
    const pid_t got = waitpid(pid_, &status, WNOHANG);
    if (got == pid_) {
      pid_ = -1;
      return true;
    }
    if (got < 0 && errno != EINTR) {
      pid_ = -1;
      throw Error(with_errno("wait for a child", errno)); // this process ignores SIGCHLD
    }
    if (deadline.over())
      return false;
    std::this_thread::sleep_for(pause);
  }
}

/// Takes what is there; closes the descriptor at the end of the file.
void drain(Descriptor& from, std::string& to, std::size_t limit) {
  std::array<char, 65536> buffer;
  const ssize_t got = read(from.get(), buffer.data(), buffer.size());
  if (got > 0)
    to.append(buffer.data(), std::min(static_cast<std::size_t>(got), limit - std::min(limit, to.size())));
  else if (got == 0 || errno != EINTR)
    from.close();
}

} // namespace

Finished run(const std::vector<std::string>& argv, const Limits& limits) {
  const std::string attempt = title(argv);
  if (argv.empty())
    throw Error("run: no program given");
  const Deadline deadline(limits.time);
  Pipe out = make_pipe(attempt);
  Pipe err = make_pipe(attempt);
  Child child(argv, out, err, attempt);
  out.write_end.close();
  err.write_end.close();

  Finished finished;
  int status = 0;
  const auto too_late = [&] {
    return Error(fmt::format("{}: no answer within {:.3g} s", attempt, deadline.seconds()));
  };
  while (out.read_end.open() || err.read_end.open()) {
    std::array<pollfd, 2> waiting{{{out.read_end.get(), POLLIN, 0}, {err.read_end.get(), POLLIN, 0}}};
    const int ready = poll(waiting.data(), waiting.size(), deadline.milliseconds_left());
    if (ready < 0 && errno != EINTR)
      throw Error(with_errno(attempt, errno));
    if (deadline.over()) // also when it never stops printing
      throw too_late();
    if (ready <= 0)
      continue;
    if (waiting[0].revents != 0)
      drain(out.read_end, finished.out, limits.out_bytes + 1);
    if (waiting[1].revents != 0)
      drain(err.read_end, finished.err, most_error_text);
    if (finished.out.size() > limits.out_bytes)
      throw Error(fmt::format("{}: more than {} bytes on standard output", attempt, limits.out_bytes));
  }
  if (!child.wait_until(deadline, status))
    throw too_late();
  finished.exit_code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return finished;
}

} // namespace flowspec
