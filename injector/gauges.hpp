// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a pass measures, as Prometheus calls it.
#pragma once

#include "injector/pass_outcome.hpp"

#include <map>
#include <span>
#include <string>
#include <string_view>

namespace flowspec {

/// A metric of the type gauge. Each has labels.
struct Gauge {
  std::string_view name;
  std::string_view help;
};

/// All that gauges_of has samples of.
std::span<const Gauge> measured_gauges();

/// What `outcome` measured, under the names and labels of its metrics:
/// {"flowspec_routes{family=\"ipv4\",state=\"active\"}", 12}. A family that failed keeps what outcome.state
/// has of it.
std::map<std::string, double> gauges_of(const PassOutcome& outcome);

} // namespace flowspec
