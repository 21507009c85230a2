// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/status_sentence.hpp"

#include "common/printable.hpp"
#include "injector/words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace flowspec {

namespace {

/// systemd reads 4096 bytes of a message.
constexpr std::size_t longest_part = 400;
constexpr std::size_t longest_sentence = 2000;

std::string cut(std::string text, std::size_t longest) {
  if (text.size() > longest)
    text.replace(longest - 3, std::string::npos, "...");
  return text;
}

std::string held_words(const std::vector<Holding>& holding) {
  std::size_t stale = 0;
  std::size_t unconfirmed = 0;
  std::vector<std::string> peers;
  for (const Holding& of : holding) {
    stale += of.stale;
    unconfirmed += of.unconfirmed;
    for (const std::string& peer : of.peers)
      if (std::find(peers.begin(), peers.end(), peer) == peers.end())
        peers.push_back(peer);
  }
  std::string text;
  if (stale > 0)
    text +=
        fmt::format(", {} held for {}", stale, cut(fmt::format("{}", fmt::join(peers, ", ")), longest_part));
  if (unconfirmed > 0)
    text += fmt::format(", {} withdrawn and waiting for a second look", unconfirmed);
  return text;
}

bool changed(const Pass& pass) {
  return std::any_of(pass.changes.begin(), pass.changes.end(),
                     [](const Changes& changes) { return !changes.edits.empty(); });
}

} // namespace

std::string_view in_words(std::optional<Cause> cause) {
  if (!cause)
    return "passes fail";
  switch (*cause) {
  case Cause::no_answer:
    return "FRR cannot be asked";
  case Cause::bad_answer:
    return "FRR's answer cannot be believed";
  case Cause::refused:
    return "changes are refused";
  case Cause::kernel:
    return "the rules cannot be brought up to date";
  case Cause::lock:
    return "a lock is held by somebody else";
  case Cause::state:
    return "the state cannot be kept";
  case Cause::resources:
    return "there are no resources";
  }
  return "passes fail";
}

std::string extent(const Pass& pass) {
  std::size_t rules = 0;
  for (const WantedTable& table : pass.tables)
    for (const Chain& chain : table.chains)
      rules += chain.rules.size();
  return fmt::format("{} in {}", counted(pass.enforced.sum(), "route"), counted(rules, "rule"));
}

std::string StatusSentence::succeeded(const PassOutcome& outcome, Instant now) {
  enforced_ = extent(outcome.pass);
  if (outcome.state.last_pass != 0)
    seen_ = {now, outcome.state.last_pass};
  if (changed(outcome.pass))
    last_change_ = outcome.state.last_pass;

  std::string text = enforced_;
  if (!outcome.pass.rejected.empty())
    text += fmt::format(", {} rejected", outcome.pass.rejected.size());
  if (!outcome.pass.aside.empty())
    text += fmt::format(", {} left out", outcome.pass.aside.size());
  text += held_words(outcome.holding);
  for (const Failure& failure : outcome.failures)
    text += fmt::format("; {}{}", failure.family ? *failure.family == Family::ipv4 ? "IPv4: " : "IPv6: " : "",
                        cut(failure.why, longest_part));
  if (last_change_ != 0)
    text += "; last change " + moment(last_change_);
  return cut(printable(text), longest_sentence);
}

std::string StatusSentence::failed(std::optional<Cause> cause, const std::string& why, Instant since) const {
  const std::string when =
      seen_ ? moment(seen_->unix_time +
                     std::chrono::duration_cast<std::chrono::seconds>(since - seen_->at).count())
            : "the start";
  return cut(printable(fmt::format("{} since {}: {}; {} stay", in_words(cause), when, cut(why, longest_part),
                                   enforced_)),
             longest_sentence);
}

} // namespace flowspec
