// SPDX-License-Identifier: GPL-2.0-or-later
//
// The unix socket on which bgpd takes commands.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

namespace flowspec {

/// Connects to the unix socket `path`, sends `request`, and hands what comes back to `take`, piece by piece,
/// until `take` says that it has all of it. The connection serves this one request. Throws Error when nobody
/// takes it, when the other end closes before all is there, or when all of this lasts longer than `time`;
/// what `take` throws goes through.
void converse(const std::string& path, std::string_view request, std::chrono::milliseconds time,
              const std::function<bool(std::string_view piece)>& take);

} // namespace flowspec
