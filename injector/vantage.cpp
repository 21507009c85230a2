// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/vantage.hpp"

#include "common/error.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace flowspec {

namespace {

bool covers(const Protection& protection, const Question& question) {
  return protection.family() == question.family &&
         (!protection.destination || protection.destination->contains(question.destination)) &&
         (!protection.source || protection.source->contains(question.source));
}

/// "eth+" is every name that begins so; an empty one is all of them. Throws UsageError when nothing is said.
bool is(const std::string& asked, const std::string& said, const char* option) {
  if (asked.empty())
    return true;
  if (said.empty())
    throw UsageError(fmt::format("explain: which segment's routes count depends on {}", option));
  return asked.back() == '+' ? said.starts_with(asked.substr(0, asked.size() - 1)) : said == asked;
}

/// Forwarded packets pass it, or may.
bool forwards(const std::string& chain) {
  return chain != "INPUT" && chain != "OUTPUT";
}

bool holds(const Segment& segment, const Interfaces& interfaces) {
  return std::any_of(segment.parents.begin(), segment.parents.end(), [&](const SegmentParent& parent) {
    return forwards(parent.chain) && is(parent.in_interface, interfaces.in, "--in-interface") &&
           is(parent.out_interface, interfaces.out, "--out-interface");
  });
}

/// The segment that gets what has no target.
bool takes_untargeted(const Segment* segment, const Untargeted& untargeted) {
  using Where = Untargeted::Where;
  return untargeted.where == Where::all ||
         (untargeted.where == Where::segment && segment != nullptr && segment->name == untargeted.segment);
}

/// Discards and rates below this spare the packet; none when all count.
std::optional<double> spared_below(const Question& question, const CompileOptions& options) {
  std::optional<double> bound;
  for (const Protection& protection : options.protections)
    if (protection.rate_below && covers(protection, question))
      bound = std::max(bound.value_or(0), *protection.rate_below);
  return bound;
}

class Lists {
 public:
  Lists(std::span<const Entry> installed, const Question& question, const CompileOptions& options)
      : installed_(installed), options_(options), bound_(spared_below(question, options)) {}

  /// Of a segment, or of none.
  EntriesMet of(const Segment* segment) const {
    EntriesMet met;
    if (segment != nullptr)
      met.segment = segment->name;
    for (const Entry& entry : installed_)
      if (is_in(segment, entry) && !is_spared(entry.actions))
        met.entries.push_back(entry);
    return met;
  }

 private:
  bool is_spared(const Actions& actions) const {
    return bound_ && actions.rate && (actions.discards() || *actions.rate < *bound_);
  }

  bool is_in(const Segment* segment, const Entry& entry) const {
    if (options_.segments.empty() || (segment != nullptr && segment->takes(entry)))
      return true;
    const bool targeted = std::any_of(options_.segments.begin(), options_.segments.end(),
                                      [&](const Segment& any) { return any.takes(entry); });
    const bool judged =
        segment != nullptr || std::any_of(options_.parents.begin(), options_.parents.end(), forwards);
    return !targeted && judged && takes_untargeted(segment, options_.untargeted);
  }

  std::span<const Entry> installed_;
  const CompileOptions& options_;
  std::optional<double> bound_;
};

} // namespace

std::optional<Prefix> protected_by(const Question& question, const CompileOptions& options) {
  for (const Prefix& prefix : options.protect)
    if (prefix.contains(question.source) || prefix.contains(question.destination))
      return prefix;
  for (const Protection& protection : options.protections)
    if (!protection.rate_below && covers(protection, question))
      return protection.destination ? protection.destination : protection.source;
  return std::nullopt;
}

std::vector<EntriesMet> entries_met(std::span<const Entry> installed, const Question& question,
                                    const Interfaces& interfaces, const CompileOptions& options) {
  const Lists lists(installed, question, options);
  std::vector<EntriesMet> met;
  for (const Segment& segment : options.segments)
    if (holds(segment, interfaces))
      met.push_back(lists.of(&segment));
  if (met.empty())
    met.push_back(lists.of(nullptr));
  return met;
}

} // namespace flowspec
