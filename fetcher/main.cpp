// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/atomic_file.hpp"
#include "common/error.hpp"
#include "common/iptc.hpp"
#include "common/printable.hpp"
#include "common/xtables_lock.hpp"
#include "fetcher/command_line.hpp"
#include "fetcher/generate.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <chrono>
#include <iostream>

using namespace flowspec;

namespace {

Ruleset read_filter_table() {
  try {
    const XtablesLock lock(std::chrono::seconds(10));
    Ruleset table = KernelTable(Family::ipv4, "filter").read();
    const Chain* forward = table.find("FORWARD");
    // No firewall looks like this, but the legacy tables of a host whose rules live in nf_tables do.
    if (forward != nullptr && forward->rules.empty() && forward->policy == Verdict::accept)
      throw Error(
          "FORWARD of iptables-legacy has no rule and accepts everything; when the rules live in nf_tables, "
          "iptables-save | flowspec-fetcher generate --rules -");
    return table;
  } catch (const Error& error) {
    throw Error(fmt::format("read the kernel's rules{}: {}",
                            geteuid() == 0 ? "" : " (only root can; --rules reads a file)", error.what()));
  }
}

int run_command(int argc, char** argv) {
  const FetcherCommand command = parse_command_line(argc, argv, FLOWSPEC_VERSION);
  if (const auto* print = std::get_if<PrintText>(&command)) {
    std::cout << print->text << std::flush;
    return std::cout ? exit_code::done : exit_code::failed;
  }
  const GenerateEffects effects{
      .read_file = read_file, .read_kernel = read_filter_table, .write_file = write_file_if_changed};
  return generate(std::get<GenerateOptions>(command), effects, std::cout, std::cerr);
}

} // namespace

int main(int argc, char** argv) {
  try {
    return run_command(argc, argv);
  } catch (const UsageError& error) {
    fmt::print(stderr, "flowspec-fetcher: {} (see --help)\n", one_line(error.what()));
    return exit_code::usage;
  } catch (const std::exception& error) {
    fmt::print(stderr, "flowspec-fetcher: {}\n", one_line(error.what()));
    return exit_code::failed;
  }
}
