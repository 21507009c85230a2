// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/packet_oracle/fate.hpp"

#include "injector/compile.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace flowspec::oracle {

std::string to_string(const Fate& fate) {
  std::string text;
  switch (fate.exit) {
  case Fate::Exit::none:
    text = "no way out";
    break;
  case Fate::Exit::by_default:
    text = "out by the default exit";
    break;
  case Fate::Exit::by_mark:
    text = "out by the marked exit";
    break;
  }
  if (fate.dscp)
    text += fmt::format(" with DSCP {}", *fate.dscp);
  text += fate.verdicts.empty() ? "; counted by no rule with a verdict"
                                : fmt::format("; counted by {}", fmt::join(fate.verdicts, " and by "));
  if (!fate.samples.empty())
    text += fmt::format("; sampled by {}", fmt::join(fate.samples, " and by "));
  if (fate.in_mangle)
    text += "; dropped in table mangle, before table filter";
  return fate.trouble.empty() ? text : fmt::format("{}; {}", text, fate.trouble);
}

bool agree(const Fate& wanted, const Fate& seen) {
  return seen == wanted || (seen.in_mangle && seen.trouble.empty() && wanted.trouble.empty() &&
                            wanted.exit == Fate::Exit::none);
}

Fate expected(const Decision& decision, const Packet& packet, Verdict accept) {
  using What = Decision::What;
  Fate fate;
  if (decision.what == What::unreadable) // the kernel's matches drop it and count nothing
    return fate;
  if (decision.entry != nullptr && decision.entry->actions.sample)
    fate.samples.push_back(comment_of(*decision.entry));
  if (decision.what == What::discard) {
    fate.verdicts.push_back("DROP " + comment_of(*decision.entry));
    return fate;
  }
  fate.exit = Fate::Exit::by_default;
  fate.dscp = packet.dscp;
  if (decision.entry == nullptr)
    return fate;
  const Actions& actions = decision.entry->actions;
  if (actions.redirect)
    fate.exit = Fate::Exit::by_mark;
  if (actions.dscp_mark)
    fate.dscp = actions.dscp_mark;
  if (accept == Verdict::accept)
    fate.verdicts.push_back("ACCEPT " + comment_of(*decision.entry));
  return fate;
}

} // namespace flowspec::oracle
