// SPDX-License-Identifier: GPL-2.0-or-later
//
// A log on standard error. The only file that uses spdlog.
#pragma once

#include "common/event.hpp"

namespace flowspec {

enum class LogFormat { text, json };

struct LogOptions {
  LogFormat format = LogFormat::text;
  Level least = Level::info; ///< what is below it is left out
};

/// One line an event, whatever is in it. Text is "NAME: MESSAGE", and in front of that
///   "<4>"                                      when journald reads it ($JOURNAL_STREAM): it knows the time,
///   "2026-11-22 14:02:11.250 warning ", coloured   on a terminal, in local time,
///   "2026-11-22T14:02:11.250+01:00 warning "   elsewhere.
/// JSON is an object {"time", "level", "event", "message", ...fields} with the time in UTC as RFC 3339 has
/// it; bytes that are not UTF-8 are replaced, and a field has no name of the first four.
///
/// The Log never throws: what cannot be written (a full disk, a reader that has gone) is lost. Who has not
/// ignored SIGPIPE is ended by it.
Log make_log(const LogOptions& options);

} // namespace flowspec
