// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/error.hpp"
#include "injector/layout.hpp"
#include "injector/list_chains.hpp"
#include "injector/wanted.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace flowspec {

namespace {

constexpr std::size_t longest_chain = 28;
constexpr std::string_view hexadecimal = "0123456789abcdef";

/// What stands behind "<chain>-" in the name of an entry's chain: 16 digits, and perhaps a letter.
bool may_be_an_entrys(std::string_view name) {
  constexpr std::size_t digits = 16;
  const bool letter = name.size() == digits + 1 && name.back() >= 'a' && name.back() <= 'z';
  return (name.size() == digits || letter) &&
         name.substr(0, digits).find_first_not_of(hexadecimal) == std::string_view::npos;
}

/// Names of chains of ours, and whose they are in words.
class Names {
 public:
  explicit Names(const CompileOptions& options) : options_(options) {}

  void add(const std::string& chain, const std::string& whose) {
    if (chain.size() > longest_chain)
      throw UsageError(fmt::format("{}: its chain {} would have {} characters, and the kernel takes {}",
                                   whose, chain, chain.size(), longest_chain));
    if (may_be_an_entrys(std::string_view(chain).substr(std::min(chain.size(), options_.chain.size() + 1))))
      throw UsageError(fmt::format("{}: its chain {} could be a route's", whose, chain));
    if (is_tree_chain(chain))
      throw UsageError(fmt::format("{}: its chain {} could be one of a tree", whose, chain));
    const auto [at, fresh] = names_.emplace(chain, whose);
    if (!fresh)
      throw UsageError(fmt::format("{}: its chain {} is that of {}", whose, chain, at->second));
  }

 private:
  const CompileOptions& options_;
  std::map<std::string, std::string> names_;
};

std::size_t most_floors(const CompileOptions& options) {
  return std::max(floors(Family::ipv4, options).size(), floors(Family::ipv6, options).size());
}

/// `gathering` chains of it may be needed.
void add_list(Names& names, std::size_t list, std::size_t gathering, const CompileOptions& options) {
  const std::string whose = list == rest_list(options)
                                ? "packets of no segment"
                                : fmt::format("segment {}", options.segments[list].name);
  for (const Walks walk : {Walks::filter, Walks::mark, Walks::dscp}) {
    const std::string chain = list_chain(list, walk, options);
    names.add(chain, whose);
    for (std::size_t floor = 1; floor <= most_floors(options); ++floor)
      names.add(region_chain(chain, floor), whose);
  }
  for (std::size_t number = 1; number <= gathering; ++number)
    names.add(gathering_chain(list_chain(list, Walks::filter, options), number), whose);
}

void check_parents(const CompileOptions& options) {
  for (const Segment& segment : options.segments)
    for (const SegmentParent& parent : segment.parents)
      if (Ownership{options.chain}.owns(parent.chain))
        throw UsageError(
            fmt::format("segment {}: parent {}: that chain is our own", segment.name, parent.chain));
}

void check_untargeted(const CompileOptions& options) {
  const std::string& name = options.untargeted.segment;
  if (options.untargeted.where == Untargeted::Where::segment &&
      std::none_of(options.segments.begin(), options.segments.end(),
                   [&](const Segment& segment) { return segment.name == name; }))
    throw UsageError(fmt::format("--untargeted segment {}: there is no such segment", name));
}

} // namespace

void check_segments(const CompileOptions& options) {
  check_untargeted(options);
  if (options.segments.empty())
    return;
  check_parents(options);
  Names names(options);
  for (const char* kind : {"-MARK", "-DSCP"})
    names.add(options.chain + kind, "table mangle");
  const std::vector<Dispatcher> all = dispatchers(options);
  for (const Dispatcher& dispatcher : all)
    names.add(dispatcher.chain, fmt::format("parent {}", dispatcher.parents.front()));
  const bool rest = options.untargeted.where == Untargeted::Where::all;
  const std::size_t gathering = hands_back(options) ? all.size() : 0;
  for (std::size_t list = 0; list < rest_list(options) + (rest ? 1 : 0); ++list)
    add_list(names, list, gathering, options);
}

} // namespace flowspec
