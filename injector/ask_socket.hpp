// SPDX-License-Identifier: GPL-2.0-or-later
//
// Asking FRR over bgpd's vty socket: with its return code, an end that can be seen, and no program started.
#pragma once

#include "injector/frr_source.hpp"

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace flowspec {

/// Sends a request to bgpd and hands what comes back to `take`, piece by piece, until that says that it has
/// all of it. Throws Error when it does not come.
using Converse =
    std::function<void(std::string_view request, const std::function<bool(std::string_view piece)>& take)>;

/// One conversation a command: what comes too late is never taken for the answer to the next command, and a
/// bgpd that was restarted is one like any other. Any way in which a command fails, FRR's own refusal too, is
/// NoAnswer.
AskFrr ask_socket(Converse converse, std::size_t largest_answer = std::size_t{256} << 20);

/// Where bgpd has its socket: "/var/run/frr/bgpd.vty", or in the directory of its pathspace.
std::string bgpd_socket(const std::optional<std::string>& pathspace);

} // namespace flowspec
