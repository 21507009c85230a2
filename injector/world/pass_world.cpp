// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/world/pass_world.hpp"

#include "common/atomic_file.hpp"
#include "common/iptc.hpp"
#include "common/kernel_facts.hpp"
#include "common/lock_held.hpp"
#include "common/own_prefixes.hpp"
#include "common/process.hpp"
#include "common/table_snapshot.hpp"
#include "common/vty_socket.hpp"
#include "common/xtables_lock.hpp"
#include "injector/ask_socket.hpp"
#include "injector/world/state_files.hpp"

#include <fmt/format.h>

#include <chrono>
#include <ctime>
#include <utility>

namespace flowspec {

namespace {

/// Read again when the kernel said that something changed; netlink says so before an answer could be older.
class OwnPrefixes {
 public:
  const std::vector<Prefix>& now() {
    if (!monitor_)
      monitor_ = std::make_shared<AddressMonitor>();
    if (monitor_->changed(known_ ? &*known_ : nullptr))
      known_.reset(); // whatever becomes of the reading
    if (!known_)
      known_ = own_prefixes();
    return *known_;
  }

 private:
  std::shared_ptr<AddressMonitor> monitor_;
  std::optional<std::vector<Prefix>> known_;
};

/// The last line of what a program said: vtysh puts less important ones before the cause.
std::string last_line(const std::string& text) {
  const std::size_t end = text.find_last_not_of("\r\n ");
  if (end == std::string::npos)
    return "without a word";
  const std::size_t before = text.find_last_of('\n', end);
  return text.substr(before + 1, end - before); // npos + 1 is the beginning
}

std::string ask_vtysh(const std::vector<std::string>& shell, std::chrono::milliseconds timeout,
                      const std::string& command) {
  std::vector<std::string> argv = shell;
  argv.insert(argv.end(), {"-c", command});
  try {
    Finished finished = run(argv, {.time = timeout});
    if (finished.exit_code == 0)
      return std::move(finished.out);
    const std::string& words = finished.err.empty() ? finished.out : finished.err;
    // What it says to whoever may not open its sockets, and only to them.
    const bool no_access = words.find("privileged user") != std::string::npos;
    throw Error(fmt::format("ask FRR ({}): exit status {}: {}{}", fmt::join(argv, " "), finished.exit_code,
                            last_line(words), no_access ? " (vtysh needs root, or the group frrvty)" : ""));
  } catch (const Error& error) {
    throw NoAnswer(error.what());
  }
}

std::string read_given(const std::string& path, Command command) {
  std::string text = read_file(path);
  // The other end of a pipe that failed leaves nothing too.
  if (command == Command::sync && path == "-" && text.find_first_not_of(" \t\r\n") == std::string::npos)
    throw Error("read routes from standard input: nothing came; give an empty file to mean no routes");
  return text;
}

std::vector<Shown> read_files(const Options& options, const AboutToRead& about_to_read) {
  std::vector<Shown> given;
  const auto read = [&](const std::optional<std::string>& path, Family family) {
    if (!path)
      return;
    Shown shown;
    shown.family = family;
    shown.text = read_given(*path, options.command);
    if (about_to_read)
      about_to_read(shown);
    shown.routes = read_frr_routes(shown.text, family, options.poll.reading);
    given.push_back(std::move(shown));
  };
  read(options.routes, Family::ipv4);
  read(options.routes6, Family::ipv6);
  return given;
}

std::string source_of(const Options& options) {
  if (!options.routes && !options.routes6)
    return options.source == Source::socket ? "FRR (socket)" : "FRR (vtysh)";
  const std::string first = options.routes.value_or(""), second = options.routes6.value_or("");
  return first.empty() || second.empty() ? first + second : first + ", " + second;
}

} // namespace

AskFrr ask_frr(const Options& options) {
  if (options.source == Source::socket)
    return ask_socket([path = options.socket.value_or(bgpd_socket(options.pathspace)),
                       timeout = options.timeout](std::string_view request, const auto& take) {
      converse(path, request, timeout, take);
    });
  std::vector<std::string> shell{options.vtysh};
  if (options.pathspace)
    shell.insert(shell.end(), {"-N", *options.pathspace});
  return [shell, timeout = options.timeout](const std::string& command) {
    return ask_vtysh(shell, timeout, command);
  };
}

OpenTable open_table(Family family, const std::string& table, std::chrono::milliseconds lock_wait,
                     std::chrono::milliseconds& waited) {
  static std::weak_ptr<XtablesLock> held; // by another table that is open
  std::shared_ptr<XtablesLock> lock = held.lock();
  if (!lock) {
    try {
      lock = std::make_shared<XtablesLock>(lock_wait);
    } catch (const LockHeld&) {
      waited += lock_wait;
      throw;
    }
    held = lock;
    waited += lock->waited();
  }
  auto kernel = std::make_shared<KernelTable>(family, table);
  return {kernel->read(), [lock, kernel](const std::vector<Edit>& edits) { kernel->commit(edits); }};
}

Instant monotonic_now() {
  return std::chrono::duration_cast<Instant>(std::chrono::steady_clock::now().time_since_epoch());
}

std::int64_t unix_now() {
  return std::time(nullptr);
}

PassWorld pass_world(const Options& options) {
  PassWorld world;
  if (options.routes || options.routes6)
    world.given = [options](const AboutToRead& about_to_read) { return read_files(options, about_to_read); };
  else
    world.ask = ask_frr(options);
  world.source = source_of(options);
  world.now = monotonic_now;
  world.unix_time = unix_now;
  world.tables.in_use = table_in_use;
  world.tables.look = [](Family family, const std::string& table) {
    return TableSnapshot(family, table).read();
  };
  world.tracks_connections = may_track_connections;
  if (options.local_scope && options.scope_prefixes.empty())
    world.own_prefixes = [own = OwnPrefixes()]() mutable { return own.now(); };

  auto waited = std::make_shared<std::chrono::milliseconds>(0);
  world.tables.open = [waited, wait = options.lock_wait](Family family, const std::string& table) {
    return open_table(family, table, wait, *waited);
  };
  world.lock_waited = [waited] { return std::exchange(*waited, {}); };

  const auto files = std::make_shared<StateFiles>(options.state_dir, options.ours.chain);
  world.disk.load = [files] { return files->load(); };
  world.disk.load_texts = [files](State& state) { files->load_texts(state); };
  world.disk.stage_texts = [files](const State& state) { files->stage_texts(state); };
  world.disk.save = [files](const State& state, bool texts) { files->save(state, texts); };
  return world;
}

} // namespace flowspec
