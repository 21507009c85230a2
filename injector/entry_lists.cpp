// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/entry_lists.hpp"

#include "injector/layout.hpp"

#include <fmt/format.h>

namespace flowspec {

void find_lists(const Entry& entry, const CompileOptions& options, std::vector<std::size_t>& lists) {
  lists.clear();
  for (std::size_t list = 0; list < options.segments.size(); ++list)
    if (options.segments[list].takes(entry))
      lists.push_back(list);
  if (!lists.empty())
    return;
  const Untargeted& untargeted = options.untargeted;
  const bool all = options.segments.empty() || untargeted.where == Untargeted::Where::all;
  for (std::size_t list = 0; list < options.segments.size(); ++list)
    if (all ||
        (untargeted.where == Untargeted::Where::segment && options.segments[list].name == untargeted.segment))
      lists.push_back(list);
  if (all)
    lists.push_back(rest_list(options));
}

Rejected no_segment(const Entry& entry) {
  return {to_string(entry.match), Reason::no_segment,
          entry.route_targets.empty()
              ? "it has no route target"
              : fmt::format("no segment imports {}", fmt::join(entry.route_targets, ", "))};
}

} // namespace flowspec
