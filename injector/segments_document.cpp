// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/policy_reader.hpp"
#include "common/strict_json.hpp"
#include "injector/segment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace flowspec {

namespace {

constexpr std::size_t longest_name = 14; ///< what "FLOWSPEC-" and "-M-P1" leave of a chain's 28 characters
constexpr std::size_t longest_chain = 28;
constexpr std::size_t longest_interface = 15;

bool is_small(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_capital(char c) {
  return c >= 'A' && c <= 'Z';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::string read_segment_name(const JsonPlace& place) {
  const std::string what = fmt::format(
      "a segment's name: 1 to {} lower case letters, digits, '-' and '_', no '-' first", longest_name);
  const std::string& name = place.text(what);
  if (name.empty() || name.size() > longest_name || name.front() == '-' ||
      !std::all_of(name.begin(), name.end(),
                   [](char c) { return is_small(c) || is_digit(c) || c == '-' || c == '_'; }))
    place.expected(what);
  return name;
}

std::string read_chain(const JsonPlace& place) {
  constexpr std::string_view what = "the name of a chain";
  constexpr std::array<std::string_view, 4> verdicts{"ACCEPT", "DROP", "RETURN", "QUEUE"};
  const std::string& name = place.text(what);
  if (name.empty() || name.size() > longest_chain || name.front() == '-' ||
      !std::all_of(name.begin(), name.end(),
                   [](char c) {
                     return is_small(c) || is_capital(c) || is_digit(c) || c == '-' || c == '_' || c == '.';
                   }) ||
      std::find(verdicts.begin(), verdicts.end(), name) != verdicts.end())
    place.expected(what);
  return name;
}

/// What the kernel takes for a device, but no control characters.
std::string read_interface(const JsonPlace& place) {
  const std::string what =
      fmt::format("the name of an interface: 1 to {} characters, no space, '/' or ':'; \"eth+\" "
                  "stands for all that begin so",
                  longest_interface);
  const std::string& name = place.text(what);
  const bool taken = std::all_of(name.begin(), name.end(), [](char c) {
    return static_cast<unsigned char>(c) > ' ' && c != '\x7f' && c != '/' && c != ':';
  });
  if (name.empty() || name.size() > longest_interface || !taken || name == "." || name == ".." || name == "+")
    place.expected(what);
  return name;
}

SegmentParent read_parent(const JsonPlace& place) {
  place.only({"chain", "in_interface", "out_interface"});
  SegmentParent parent;
  if (const auto chain = place.find("chain"))
    parent.chain = read_chain(*chain);
  if (const auto in = place.find("in_interface")) {
    parent.in_interface = read_interface(*in);
    if (parent.chain == "OUTPUT")
      in->refuse("packets of OUTPUT come in by no interface");
  }
  if (const auto out = place.find("out_interface")) {
    parent.out_interface = read_interface(*out);
    if (parent.chain == "INPUT")
      out->refuse("packets of INPUT go out by no interface");
  }
  return parent;
}

/// Throws UsageError when an element stands in the list twice.
template <class Value>
void each_once(const JsonPlace& list, const std::vector<Value>& values) {
  for (auto at = values.begin(); at != values.end(); ++at)
    if (std::find(values.begin(), at, *at) != at)
      list.element(static_cast<std::size_t>(at - values.begin())).refuse("the same stands there twice");
}

Segment read_segment(const JsonPlace& place) {
  place.only({"name", "import", "parents"});
  Segment segment;
  segment.name = read_segment_name(place.member("name"));
  const JsonPlace targets = place.member("import");
  if (!targets.value().is_array() || !targets.value().empty()) // none: for --untargeted segment NAME
    segment.import = read_list<std::string>(targets, "route targets", read_route_target);
  each_once(targets, segment.import);
  const JsonPlace parents = place.member("parents");
  segment.parents = read_list<SegmentParent>(parents, "chains with interfaces", read_parent);
  each_once(parents, segment.parents);
  return segment;
}

} // namespace

std::vector<Segment> parse_segments(std::string_view document, const std::string& file) {
  const nlohmann::json parsed = parse_strict(document, file);
  const JsonPlace root(parsed, file);
  root.only({"$schema", "segments"});
  if (const auto schema = root.find("$schema"))
    schema->text("the address of a JSON Schema");
  const JsonPlace list = root.member("segments");
  const std::vector<Segment> segments = read_list<Segment>(list, "segments", read_segment);
  for (std::size_t index = 0; index < segments.size(); ++index)
    for (std::size_t before = 0; before < index; ++before)
      if (segments[before].name == segments[index].name)
        list.element(index).member("name").refuse(
            fmt::format("there is another segment {}", segments[index].name));
  return segments;
}

} // namespace flowspec
