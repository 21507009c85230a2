// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/atomic_file.hpp"
#include "common/error.hpp"
#include "common/kernel_facts.hpp"
#include "common/nft_rules.hpp"
#include "common/printable.hpp"
#include "common/process.hpp"
#include "common/signals_held.hpp"
#include "common/table_snapshot.hpp"
#include "common/temporary_directory.hpp"
#include "common/xtables_lock.hpp"
#include "fetcher/command_line.hpp"
#include "fetcher/connection_tracking.hpp"
#include "fetcher/generate.hpp"
#include "fetcher/lint.hpp"
#include "fetcher/live_rules.hpp"

#include <fmt/format.h>

#include <glob.h>
#include <malloc.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <memory>
#include <system_error>

using namespace flowspec;

namespace {

namespace fs = std::filesystem;

/// By a rule of another table. Rules that nf_tables hold are not looked at: where there are any and
/// connections may be tracked, they are.
bool others_track_connections(Family family) {
  for (const char* const table : {"raw", "mangle", "nat", "security"})
    if (table_in_use(family, table) && tracks_connections(TableSnapshot(family, table).read()))
      return true;
  return may_track_connections() && nf_tables_hold_rules(family);
}

LiveRules read_kernel(std::optional<Family> family, std::chrono::milliseconds wait) {
  try {
    const XtablesLock lock(wait);
    return live_rules(family,
                      {.table_in_use = [](Family each) { return table_surely_in_use(each, "filter"); },
                       .read_filter_table = [](Family each) { return TableSnapshot(each, "filter").read(); },
                       .nf_tables_hold_rules = nf_tables_hold_rules,
                       .tracks_connections = others_track_connections});
  } catch (const Error& error) {
    throw Error(fmt::format("read the kernel's rules{}: {}",
                            geteuid() == 0 ? "" : " (only root can; --rules reads a file)", error.what()));
  }
}

/// As BIRD looks for the files that it includes.
std::vector<std::string> matching_files(const std::string& pattern) {
  glob_t found{};
  const std::unique_ptr<glob_t, void (*)(glob_t*)> owned(&found, globfree);
  errno = 0;
  const int code = glob(pattern.c_str(), GLOB_ERR | GLOB_NOESCAPE, nullptr, &found);
  if (code != 0 && code != GLOB_NOMATCH)
    throw Error(with_errno("match " + pattern, errno == 0 ? ENOMEM : errno));
  return {found.gl_pathv, found.gl_pathv + found.gl_pathc};
}

bool is_directory(const std::string& path) {
  std::error_code ignored; // what cannot be looked at cannot be read either
  return fs::is_directory(path, ignored);
}

std::string real_path(const std::string& path) {
  std::error_code error;
  const fs::path real = fs::weakly_canonical(fs::absolute(path), error);
  if (error)
    throw Error(fmt::format("find {}: {}", path, error.message()));
  return real.string();
}

Finished parse_with_bird(const std::string& bird, const std::vector<CopiedFile>& files,
                         const Limits& limits) {
  const TemporaryDirectory directory;
  for (const CopiedFile& file : files)
    directory.add(file.name, file.content);
  Finished finished = run({bird, "-p", "-c", directory.path() / files.front().name}, limits);
  const std::string prefix = directory.path() / "";
  for (std::string* words : {&finished.out, &finished.err})
    for (std::size_t at = 0; (at = words->find(prefix, at)) != std::string::npos;)
      words->erase(at, prefix.size());
  return finished;
}

GenerateEffects effects_for(const GenerateOptions& options) {
  const Limits limits{.time = options.timeout};
  return {
      .read_file = read_file,
      .read_kernel = [&options](auto family) { return read_kernel(family, options.lock_wait); },
      .delivery = {.read_existing = read_existing_file,
                   .write_file = [](const auto& path, auto content) { write_file_if_changed(path, content); },
                   .remove_file = remove_file,
                   .run = [limits](const auto& argv) { return run(argv, limits); },
                   .parse = [limits](const auto& bird,
                                     const auto& files) { return parse_with_bird(bird, files, limits); },
                   .configuration = {.read_file = read_file,
                                     .glob = matching_files,
                                     .is_directory = is_directory,
                                     .real_path = real_path},
                   .hold_signals = [] { return std::make_shared<SignalsHeld>(); }}};
}

int run_command(int argc, char** argv) {
  const FetcherCommand command = parse_command_line(argc, argv, FLOWSPEC_VERSION);
  if (const auto* print = std::get_if<PrintText>(&command)) {
    std::cout << print->text << std::flush;
    return std::cout ? exit_code::done : exit_code::failed;
  }
  if (const auto* linting = std::get_if<LintOptions>(&command))
    return lint(*linting, read_file, std::cout, std::cerr);
  if (const auto* checking = std::get_if<CheckOptions>(&command))
    return check_policy(checking->generate, effects_for(checking->generate), std::cout, std::cerr);
  const auto& options = std::get<GenerateOptions>(command);
  return generate(options, effects_for(options), std::cout, std::cerr);
}

/// Not by fmt::print, which throws when standard error takes nothing, and main's handlers end here.
void say(const std::string& what) {
  std::fputs(fmt::format("flowspec-fetcher: {}\n", one_line(what)).c_str(), stderr);
}

} // namespace

int main(int argc, char** argv) {
  // One burst of small pieces, and then the end: memory that goes back to the kernel in between is asked for
  // again at once, page by page.
  mallopt(M_MMAP_THRESHOLD, 256 << 20);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  mallopt(M_TOP_PAD, 8 << 20);
  try {
    return run_command(argc, argv);
  } catch (const UsageError& error) {
    say(fmt::format("{} (see --help)", error.what()));
    return exit_code::usage;
  } catch (const std::exception& error) {
    say(error.what());
    return exit_code::failed;
  }
}
