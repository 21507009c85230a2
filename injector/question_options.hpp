// SPDX-License-Identifier: GPL-2.0-or-later
//
// The options that describe a packet.
#pragma once

#include "injector/question.hpp"

#include <optional>
#include <string>

namespace CLI {
class App;
}

namespace flowspec {

/// The words as they were given; none: the option was not.
struct RawQuestion {
  std::optional<std::string> source, destination, protocol, source_port, destination_port, icmp_type,
      icmp_code, tcp_flags, length, dscp, flow_label, fragment;
  bool dont_fragment = false;
  bool may_fragment = false;
  bool established = false;
  bool not_established = false;
};

/// Adds the options to `app`, for the command line only; they fill `raw`, which must outlive the parsing.
void add_question_options(CLI::App& app, RawQuestion& raw);

/// What the words mean. Throws UsageError for one that means nothing, and for two that no packet can have
/// together: a port of a protocol without ports, addresses of two families.
Question question_of(const RawQuestion& raw);

} // namespace flowspec
