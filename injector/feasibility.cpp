// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/feasibility.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace flowspec {

namespace {

std::string origin(const UnicastRoute& route) {
  if (route.peer.empty())
    return "this router's own";
  return route.first_as == 0 ? fmt::format("from {}, begun by no neighboring AS", route.peer)
                             : fmt::format("from {} in AS {}", route.peer, route.first_as);
}

/// b.
bool supports(const UnicastRoute& best, const Announcer& announcer, Validate mode) {
  if (mode == Validate::rfc9117)
    return best.first_as != 0 && best.first_as == announcer.as;
  return best.peer == announcer.address;
}

} // namespace

UnicastRoutes::UnicastRoutes(std::vector<UnicastRoute> best,
                             const std::map<std::string, std::uint32_t>& peer_as)
    : routes_(std::move(best)), covers_(routes_.size()), run_end_(routes_.size()) {
  neighbors_.reserve(routes_.size());
  std::vector<std::size_t> around; // those that cover the one at hand, the longest last
  for (std::size_t index = 0; index < routes_.size(); ++index) {
    const UnicastRoute& route = routes_[index];
    const auto session = peer_as.find(route.peer);
    neighbors_.emplace_back(session == peer_as.end() ? route.first_as : session->second, route.first_as);
    while (!around.empty() && !routes_[around.back()].prefix.contains(route.prefix))
      around.pop_back();
    covers_[index] = around.empty() ? index : around.back();
    around.push_back(index);
  }
  for (std::size_t index = routes_.size(); index-- > 0;) {
    const bool last = index + 1 == routes_.size() || neighbors_[index + 1] != neighbors_[index];
    run_end_[index] = last ? index + 1 : run_end_[index + 1];
  }
}

const UnicastRoute* UnicastRoutes::best_match(const Prefix& destination) const {
  // Whatever covers it is not behind it, and covers all that stand between the two.
  const auto behind =
      std::upper_bound(routes_.begin(), routes_.end(), destination,
                       [](const Prefix& prefix, const UnicastRoute& route) { return prefix < route.prefix; });
  if (behind == routes_.begin())
    return nullptr;
  for (std::size_t index = static_cast<std::size_t>(behind - routes_.begin()) - 1;; index = covers_[index]) {
    if (routes_[index].prefix.contains(destination))
      return &routes_[index];
    if (covers_[index] == index)
      return nullptr;
  }
}

const UnicastRoute* UnicastRoutes::more_specific(const Prefix& destination, const UnicastRoute& match) const {
  const auto first =
      std::upper_bound(routes_.begin(), routes_.end(), destination,
                       [](const Prefix& prefix, const UnicastRoute& route) { return prefix < route.prefix; });
  const auto end = std::partition_point(first, routes_.end(), [&destination](const UnicastRoute& route) {
    return destination.contains(route.prefix);
  });
  if (first == end)
    return nullptr;
  const Neighbor& wanted = neighbors_[static_cast<std::size_t>(&match - routes_.data())];
  const auto begin = static_cast<std::size_t>(first - routes_.begin());
  const bool other = match.first_as == 0 || neighbors_[begin] != wanted;
  const std::size_t found = other ? begin : run_end_[begin];
  return found < static_cast<std::size_t>(end - routes_.begin()) ? &routes_[found] : nullptr;
}

bool UnicastRoutes::outside_confederation(const std::string& peer) const {
  return std::none_of(routes_.begin(), routes_.end(), [&peer](const UnicastRoute& route) {
    return route.confederation && route.peer == peer;
  });
}

std::optional<std::string> why_not_feasible(const Components& match, const Announcer& announcer,
                                            const UnicastRoutes& unicast, Validate mode) {
  if (!match.destination || match.destination->offset != 0)
    return "it has no destination prefix (RFC 8955 section 6 a)";
  const Prefix& destination = *match.destination;
  const UnicastRoute* best = unicast.best_match(destination);
  if (best == nullptr)
    return fmt::format("no unicast route covers {} (RFC 8955 section 6 b)", to_string(destination));
  if (!supports(*best, announcer, mode))
    return fmt::format("{} announced it, and the best unicast route for {}, {}, is {} ({})",
                       mode == Validate::rfc9117 ? fmt::format("AS {}", announcer.as) : announcer.address,
                       to_string(destination), to_string(best->prefix), origin(*best),
                       mode == Validate::rfc9117 ? "RFC 9117 section 4.2" : "RFC 8955 section 6 b");
  if (const UnicastRoute* inside = unicast.more_specific(destination, *best))
    return fmt::format("the best unicast route for {}, {}, is {}, and the more specific {} is {} (RFC 8955 "
                       "section 6 c)",
                       to_string(destination), to_string(best->prefix), origin(*best),
                       to_string(inside->prefix), origin(*inside));
  return std::nullopt;
}

} // namespace flowspec
