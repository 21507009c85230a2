// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/segment.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace flowspec {

namespace {

bool is_built_in(const std::string& chain) {
  return chain == "INPUT" || chain == "FORWARD" || chain == "OUTPUT";
}

/// "eth+" without the sign; none when it stands for one name.
std::string_view wildcard(const std::string& interface) {
  return std::string_view(interface).substr(0, interface.size() - 1);
}

bool is_wildcard(const std::string& interface) {
  return interface.ends_with('+');
}

std::string text_of(const SegmentParent& parent) {
  std::string text = parent.chain;
  if (!parent.in_interface.empty())
    text += " in by " + parent.in_interface;
  if (!parent.out_interface.empty())
    text += " out by " + parent.out_interface;
  return text;
}

std::string text_of(const Segment& segment) {
  std::vector<std::string> parents;
  for (const SegmentParent& parent : segment.parents)
    parents.push_back(text_of(parent));
  return fmt::format("segment {}: {}; packets of {}\n", segment.name,
                     segment.import.empty() ? "no route targets"
                                            : fmt::format("routes for {}", fmt::join(segment.import, ", ")),
                     fmt::join(parents, ", and of "));
}

std::string text_of(const Untargeted& untargeted) {
  const std::string routes = "routes without a segment's target: ";
  switch (untargeted.where) {
  case Untargeted::Where::all:
    return routes + "in every segment, and for packets of no segment\n";
  case Untargeted::Where::none:
    return routes + "left out\n";
  case Untargeted::Where::segment:
    break;
  }
  return routes + fmt::format("in segment {}\n", untargeted.segment);
}

} // namespace

bool Segment::takes(const Entry& entry) const {
  return std::any_of(entry.route_targets.begin(), entry.route_targets.end(), [this](std::string_view rt) {
    return std::find(import.begin(), import.end(), rt) != import.end();
  });
}

bool may_be_one_interface(const std::string& a, const std::string& b) {
  if (a.empty() || b.empty())
    return true;
  if (is_wildcard(a) && is_wildcard(b))
    return wildcard(a).starts_with(wildcard(b)) || wildcard(b).starts_with(wildcard(a));
  if (is_wildcard(a))
    return b.starts_with(wildcard(a));
  return is_wildcard(b) ? a.starts_with(wildcard(b)) : a == b;
}

bool may_meet(const SegmentParent& a, const SegmentParent& b) {
  if (a.chain != b.chain && is_built_in(a.chain) && is_built_in(b.chain))
    return false;
  return may_be_one_interface(a.in_interface, b.in_interface) &&
         may_be_one_interface(a.out_interface, b.out_interface);
}

bool may_share_packets(const std::vector<Segment>& segments, const std::vector<std::string>& rest) {
  const auto meets = [](const Segment& segment, const SegmentParent& other) {
    return std::any_of(segment.parents.begin(), segment.parents.end(),
                       [&](const SegmentParent& parent) { return may_meet(parent, other); });
  };
  for (std::size_t a = 0; a < segments.size(); ++a) {
    for (std::size_t b = a + 1; b < segments.size(); ++b)
      for (const SegmentParent& parent : segments[b].parents)
        if (meets(segments[a], parent))
          return true;
    // In its own chain a packet of the segment is not judged as one of none.
    for (const std::string& chain : rest)
      for (const SegmentParent& parent : segments[a].parents)
        if (parent.chain != chain && may_meet(parent, {chain, "", ""}))
          return true;
  }
  return false;
}

std::string segments_text(const std::vector<Segment>& segments, const Untargeted& untargeted,
                          const std::vector<std::string>& rest) {
  std::string text;
  for (const Segment& segment : segments)
    text += text_of(segment);
  if (segments.empty())
    return "no segments: every route is for all packets\n";
  text += text_of(untargeted);
  const bool judged = untargeted.where == Untargeted::Where::all;
  if (may_share_packets(segments, judged ? rest : std::vector<std::string>()))
    text += "a packet may be in two of them: it passes when none of them drops it, "
            "what is accepted goes "
            "back to the parent chain, and no route marks or redirects packets\n";
  return text;
}

} // namespace flowspec
