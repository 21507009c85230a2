// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the commands do, each to its exit status. All throw Error.
#pragma once

#include "injector/options.hpp"
#include "injector/sync.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace flowspec {

int plan_or_sync(const Options& options);
int explain_packet(const Options& options);
/// What the configuration says, in words.
int check_configuration(const Options& options);
int show_status(const Options& options);
int flush_rules(const Options& options);
/// Removes our rules in all tables, and the state; what was removed.
std::vector<Changes> remove_ours(const Options& options);
/// `read_again` gives the options as they are now, or throws Error.
int run_service(Options options, const std::function<Options()>& read_again);

/// A file that the configuration names. Throws UsageError when it cannot be read.
std::string read_document(const std::string& path);

// Shared by them.

/// On standard error, one line whatever is in it.
void say(const std::string& what);
/// On standard output. When that does not take it, throws Error; or says so, when the rules are `changed` by
/// then: the exit status tells of the rules.
void print(const std::string& text, bool changed = false);

} // namespace flowspec
