// SPDX-License-Identifier: GPL-2.0-or-later
//
// Between a Rule and the bytes that the kernel keeps for it (struct ipt_entry with its matches and target).
// With table_bytes.hpp, which knows how rules make a table, all that knows the kernel's binary structures.
#pragma once

#include "common/rule.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace flowspec {

/// The bytes for `rule`: aligned as the kernel wants them, target_offset and next_offset set, counters 0. A
/// jump has the chain's name in the target, as libiptc takes it. Throws std::invalid_argument for an opaque
/// or unreadable part, and for a value that its field cannot hold.
std::vector<std::byte> encode(const Rule& rule, Family family);

/// The same at the end of `bytes`, which must hold nothing or what such calls put there. When it throws,
/// `bytes` is as before.
void encode_into(std::vector<std::byte>& bytes, const Rule& rule, Family family);

/// The rule in `entry`. `target_name` is what the target is called (a verdict, a chain, an extension,
/// or "" for none), since a snapshot holds offsets, not names. `is_chain`: target_name is a chain of the
/// user's. Never fails: what it cannot say in our words is opaque or `unreadable`; fields private to the
/// kernel are left out.
Rule decode(std::span<const std::byte> entry, Family family, const std::string& target_name, bool is_chain);

/// pack() of decode(), appended to `to`.
void decode_packed(std::span<const std::byte> entry, Family family, const char* target_name, bool is_chain,
                   std::string& to);

} // namespace flowspec
