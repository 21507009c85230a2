// SPDX-License-Identifier: GPL-2.0-or-later
//
// Segments: who receives a rule, by its route targets (the paper's section on the Route Target community).
#pragma once

#include "common/entry.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace flowspec {

/// Packets that pass `chain` of table filter by these interfaces.
struct SegmentParent {
  std::string chain = "FORWARD";
  std::string in_interface;  ///< empty: any; "eth+": every name that begins so
  std::string out_interface; ///< likewise

  bool operator==(const SegmentParent&) const = default;
};

struct Segment {
  /// Its chain is "<chain>-<name>": lower case letters, digits, '-' and '_', so that no other chain of ours,
  /// whose names have capitals or 16 digits, has that name.
  std::string name;
  std::vector<std::string> import;    ///< route targets, as FRR prints them: "65000:101"
  std::vector<SegmentParent> parents; ///< one or more

  /// One of the entry's route targets is imported.
  bool takes(const Entry& entry) const;
  bool operator==(const Segment&) const = default;
};

/// What becomes of a route none of whose targets is any segment's.
struct Untargeted {
  enum class Where { all, none, segment };
  Where where = Where::all;
  std::string segment; ///< of Where::segment

  bool operator==(const Untargeted&) const = default;
};

/// Reads {"segments": [{"name", "import", "parents"}]}. Throws UsageError that names the file, the path in
/// the document and what was expected, whatever the bytes: names and route targets that stand there twice,
/// names that another chain of ours has, interfaces that the kernel could not have.
std::vector<Segment> parse_segments(std::string_view document, const std::string& file);

/// Some interface has a name that both stand for; an empty one stands for every name.
bool may_be_one_interface(const std::string& a, const std::string& b);

/// Some packet may pass both. A packet passes one of INPUT, FORWARD and OUTPUT in a table's walk; a chain of
/// somebody's own may be called from any of them.
bool may_meet(const SegmentParent& a, const SegmentParent& b);

/// Some packet may be in two of them, or in one after it passed one of the chains `rest`, in which packets of
/// no segment are judged: then what one accepts the other is asked too, and accepted packets go back to the
/// parent chain in the end.
bool may_share_packets(const std::vector<Segment>& segments, const std::vector<std::string>& rest = {});

/// Each segment in words, what becomes of routes without one, and what it means when packets may be shared;
/// `rest` as above.
std::string segments_text(const std::vector<Segment>& segments, const Untargeted& untargeted,
                          const std::vector<std::string>& rest = {});

} // namespace flowspec
