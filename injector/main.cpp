// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/error.hpp"
#include "common/heap_room.hpp"
#include "injector/options.hpp"
#include "injector/world/commands.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <unistd.h>

#include <exception>
#include <new>
#include <optional>
#include <utility>

using namespace flowspec;

namespace {

std::optional<Options> read_options(int argc, char** argv) {
  std::optional<Options> options = parse_options(argc, argv);
  if (!options)
    return options;
  try {
    read_documents(*options, read_document);
  } catch (const UsageError& error) {
    if (options->command != Command::flush) // what is to go does not depend on what was to come
      throw;
    say(fmt::format("{}; flush goes on without it", error.what()));
  }
  return options;
}

int run_command(Options options, int argc, char** argv) {
  switch (options.command) {
  case Command::plan:
  case Command::sync:
    return plan_or_sync(options);
  case Command::explain:
    return explain_packet(options);
  case Command::status:
    return show_status(options);
  case Command::flush:
    return flush_rules(options);
  case Command::check:
    return check_configuration(options);
  case Command::run:
    break;
  }
  return run_service(std::move(options), [argc, argv] { return read_options(argc, argv).value(); });
}

/// So that no file that is opened later is taken for one of the standard streams.
void open_standard_streams() {
  int descriptor = STDIN_FILENO;
  while (descriptor >= 0 && descriptor <= STDERR_FILENO)
    descriptor = open("/dev/null", O_RDWR);
  if (descriptor > STDERR_FILENO)
    close(descriptor);
}

} // namespace

int main(int argc, char** argv) {
  open_standard_streams();
  // With 100,000 routes each stage of a pass has some of many megabytes, and the next one wants the room.
  give_back_large_blocks();
  try {
    std::optional<Options> options = read_options(argc, argv);
    return options ? run_command(std::move(*options), argc, argv) : 0;
  } catch (const UsageError& error) {
    say(error.what());
    return 2;
  } catch (const std::bad_alloc&) {
    say("not enough memory");
    return 1;
  } catch (const std::exception& error) {
    say(error.what());
    return 1;
  }
}
