// SPDX-License-Identifier: GPL-2.0-or-later
//
// Where packets go before they meet entries: which chains of ours there are, by name, and who jumps to them.
#pragma once

#include "injector/compile.hpp"
#include "injector/ownership.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace flowspec {

/// Entries stand in lists: a segment's has its place among CompileOptions::segments, and behind those is that
/// of packets of no segment. Without segments there is only that one, for every packet.
inline std::size_t rest_list(const CompileOptions& options) {
  return options.segments.size();
}

/// Table filter decides; table mangle has a walk for each Alteration.
enum class Walks { filter, mark, dscp };

/// The chain in which the entries of `list` stand: "FLOWSPEC-tenant-a", "FLOWSPEC-ALL" for packets of no
/// segment, "FLOWSPEC" when there are no segments; in table mangle with "-M" or "-D" behind it, or
/// "FLOWSPEC-MARK" and "FLOWSPEC-DSCP".
std::string list_chain(std::size_t list, Walks walk, const CompileOptions& options);

/// "tenant-a", or "ALL" for packets of no segment.
std::string_view list_name(std::size_t list, const CompileOptions& options);

/// The chain of `list_chain` for packets of the regions with the floor number `floor`, from 1.
std::string region_chain(const std::string& list_chain, std::size_t floor);

/// A chain of a list's tree: "<chain>-T" and 13 letters and digits for `hash`, which the walks of table
/// mangle may share.
std::string tree_chain(const std::string& chain, std::uint64_t hash, Walks walk);
bool is_tree_chain(std::string_view name);

/// A chain in which one list's packets of an entry meet their rate: "<chain>-R" and 13 letters and digits for
/// `hash`.
std::string rate_chain(const std::string& chain, std::uint64_t hash);

/// True for a rule that only leads to a chain of a tree: by one prefix, or all packets.
bool leads_in_tree(const Rule& rule);

/// The interfaces by which packets of a segment come and go; both empty: any.
struct Passage {
  std::string in_interface;
  std::string out_interface;

  bool operator==(const Passage&) const = default;
};

/// The packets of one segment in one chain.
struct Way {
  std::size_t list = 0;
  std::vector<Passage> passages; ///< by any of these

  bool operator==(const Way&) const = default;
};

/// A chain of ours that chains of others jump to, and where it sends their packets.
struct Dispatcher {
  std::string chain;
  std::vector<std::string> parents;
  std::vector<Way> ways; ///< in the order of the segments
  bool rest = false;     ///< packets of no segment are judged too
};

/// Those of table filter: CompileOptions::chain first. The others, "<chain>-<PARENT>", are for parents whose
/// packets have other ways.
std::vector<Dispatcher> dispatchers(const CompileOptions& options);

/// A packet may be judged more than once: what accepts hands it back (may_share_packets).
bool hands_back(const CompileOptions& options);

/// Where a packet of `way` goes that is judged by several segments: to a chain that sends it to the list
/// once, however many of its passages it came by. `dispatcher` is from 1.
std::string gathering_chain(const std::string& list_chain, std::size_t dispatcher);

/// The comment of rules that send packets of `list` on: "flowspec segment tenant-a", "flowspec no segment".
std::string dispatch_comment(std::size_t list, const CompileOptions& options);

} // namespace flowspec
