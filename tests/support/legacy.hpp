// SPDX-License-Identifier: GPL-2.0-or-later
//
// The iptables-legacy programs, and the kernel's table as bytes: what our own reading and writing is held
// against.
#pragma once

#include "common/family.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace flowspec::test {

/// Runs iptables-legacy or ip6tables-legacy. Throws Error, with what it said, when it fails.
void iptables(Family family, const std::vector<std::string>& arguments);

/// Gives `text` to iptables-legacy-restore with `options`. Throws Error, with what it said, when it fails.
void restore(Family family, const std::string& text, const std::vector<std::string>& options = {});

/// The lines of iptables-legacy-save -c but for its remarks: all tables, or one. Those of `chain` only,
/// without their counters and "-A CHAIN ", when one is given.
std::vector<std::string> saved(Family family, const std::string& table = "");
std::vector<std::string> saved_rules(Family family, const std::string& chain);

/// Every entry of the filter table as the kernel shows it, counters and the kernel's own back pointers as 0.
std::vector<std::byte> filter_bytes(Family family);

} // namespace flowspec::test
