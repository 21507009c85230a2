// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/rate_limit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace flowspec {

namespace {

constexpr double step_bytes = 16;      // XT_HASHLIMIT_BYTE_SHIFT
constexpr double units = 4294967296.0; // cost 1 is 2^32 steps a second
constexpr std::uint64_t min_cost = 2;  // the kernel refuses 1
constexpr std::uint64_t max_cost = std::numeric_limits<std::uint32_t>::max();
constexpr std::uint64_t min_steps = 2;
constexpr double largest_packet = 1500;

double held_by(std::uint64_t cost) {
  return step_bytes * units / static_cast<double>(cost);
}

/// iptables writes a rate as steps - 1 and reads it back as this cost; other costs would not survive its text
/// form, and neither would one step: it writes 0 b/s and does not take that back.
std::uint64_t cost_of(std::uint64_t steps) {
  return max_cost / steps;
}
/// The most steps at `cost`, at least one.
std::uint64_t steps_of(std::uint64_t cost) {
  return std::max<std::uint64_t>(max_cost / cost, min_steps);
}

/// The most refills up to `wanted` that iptables reads back as it writes them: it rounds the bytes down to a
/// whole k or m, and counts them in 32 bits.
std::uint64_t refills_at(std::uint64_t cost, std::uint64_t wanted) {
  const std::uint64_t rate = (max_cost / cost - 1) * static_cast<std::uint64_t>(step_bytes);
  for (std::uint64_t refills = wanted; refills > 0; --refills) {
    const std::uint64_t bytes = rate * refills;
    const std::uint64_t unit = bytes >= 1U << 20 ? 1U << 20 : bytes >= 1U << 10 ? 1U << 10 : 1;
    const std::uint64_t shown = bytes / unit * unit;
    if (bytes <= max_cost && shown >= rate && (shown + rate - 1) / rate == refills)
      return refills;
  }
  return 0;
}

} // namespace

std::optional<RateLimit> rate_limit(double rate, Family family, const std::string& bucket,
                                    std::uint32_t burst) {
  const double steps = rate / step_bytes;
  if (steps > static_cast<double>(max_cost / min_cost))
    return std::nullopt;
  // Of the costs around it, the one whose rate is nearest. At high rates many steps share a cost, so
  // neighbouring steps are not enough: the neighbouring costs are looked at as well.
  const auto low = static_cast<std::uint64_t>(std::max(static_cast<double>(min_steps), std::floor(steps)));
  std::uint64_t best = cost_of(low);
  for (const std::uint64_t steps_nearby :
       {std::min(low + 1, max_cost / min_cost), steps_of(best + 1), steps_of(std::max(best - 1, min_cost))})
    if (const std::uint64_t cost = cost_of(steps_nearby);
        std::abs(held_by(cost) - rate) < std::abs(held_by(best) - rate))
      best = cost;

  RateLimit limit;
  limit.match.name = bucket;
  limit.match.mode = HashlimitMatch::mode_bytes | HashlimitMatch::mode_invert;
  limit.match.average = best;
  limit.match.burst = refills_at(best, burst - 1); // how often the bucket may be filled again
  // One bucket only, since nothing of the packet is hashed.
  limit.match.size = 1;
  limit.match.max = 1;
  limit.match.gc_interval = 1000;
  limit.match.expire = 10000;
  limit.match.source_mask = limit.match.destination_mask = static_cast<std::uint8_t>(address_bits(family));
  limit.held = held_by(best);
  limit.single_packets = limit.held < largest_packet;
  limit.burst = static_cast<std::uint32_t>(limit.match.burst) + 1;
  return limit;
}

} // namespace flowspec
