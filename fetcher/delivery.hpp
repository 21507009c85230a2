// SPDX-License-Identifier: GPL-2.0-or-later
//
// The way of a configuration into the file that BIRD reads, and of BIRD to it. At every moment the file holds
// a whole configuration; one that BIRD refuses gives way to the one before.
#pragma once

#include "common/process.hpp"
#include "fetcher/bird_copy.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flowspec {

struct DeliveryOptions {
  bool check = false;    ///< change nothing, only tell
  bool validate = false; ///< BIRD looks at the whole configuration before anything is changed
  bool reload = false;   ///< BIRD uses it afterwards
  std::string bird = "bird";
  std::string bird_config = "/etc/bird/bird.conf";
  std::string birdc = "birdc";
  std::optional<std::string> birdc_socket = std::nullopt;

  bool operator==(const DeliveryOptions&) const = default;
};

/// What a delivery does to the world. Each throws Error when it cannot; then nothing has changed.
struct DeliveryEffects {
  /// None when there is no such file.
  std::function<std::optional<std::string>(const std::string& path)> read_existing;
  std::function<void(const std::string& path, std::string_view content)> write_file;
  std::function<void(const std::string& path)> remove_file;
  /// Runs a program to its end.
  std::function<Finished(const std::vector<std::string>& argv)> run;
  /// Puts the files into a directory of their own, runs `bird -p` on the first, and takes the directory's
  /// path out of its words.
  std::function<Finished(const std::string& bird, const std::vector<CopiedFile>& files)> parse;
  ConfigurationFiles configuration;
  /// Signals that would end this process wait for as long as what it returns lives.
  std::function<std::shared_ptr<void>()> hold_signals;
};

enum class Delivered { unchanged, written, reloaded, would_change };

struct DeliveryResult {
  Delivered delivered{};
  std::string diff; ///< for would_change

  bool operator==(const DeliveryResult&) const = default;
};

/// Makes the file `output` hold `text`. A file that holds it already is left alone, and so is BIRD, unless it
/// did not say the last time that it has the file: a file beside it is there from before a change until BIRD
/// has it (unconfirmed_mark). Throws Error, with BIRD's words where it is BIRD that refuses; then the file is
/// as it was.
DeliveryResult deliver(const std::string& output, std::string_view text, const DeliveryOptions& options,
                       const DeliveryEffects& effects);

/// The name of the file that says so: ".flowspec.conf.unconfirmed" beside "flowspec.conf".
std::string unconfirmed_mark(const std::string& output);

/// True when the answer of `birdc configure` says that BIRD has taken the configuration.
bool bird_took_it(const Finished& answer);

} // namespace flowspec
