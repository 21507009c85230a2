// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/entry_json.hpp"

#include <cmath>

namespace flowspec {

using nlohmann::ordered_json;

ordered_json to_json(const Entry& entry) {
  ordered_json match = ordered_json::object();
  const auto add = [&match](const char* name, const auto& component) {
    if (component)
      match[name] = to_string(*component);
  };
  add("destination", entry.match.destination);
  add("source", entry.match.source);
  add("protocol", entry.match.protocol);
  add("port", entry.match.port);
  add("destination_port", entry.match.destination_port);
  add("source_port", entry.match.source_port);
  add("icmp_type", entry.match.icmp_type);
  add("icmp_code", entry.match.icmp_code);
  add("tcp_flags", entry.match.tcp_flags);
  add("packet_length", entry.match.packet_length);
  add("dscp", entry.match.dscp);
  add("fragment", entry.match.fragment);
  add("flow_label", entry.match.flow_label);

  const auto list = [](const TextList& texts) {
    ordered_json values = ordered_json::array();
    for (const std::string_view text : texts)
      values.emplace_back(text);
    return values;
  };
  ordered_json actions = ordered_json::object();
  actions["text"] = to_string(entry.actions);
  if (entry.actions.rate && std::isfinite(*entry.actions.rate))
    actions["rate"] = *entry.actions.rate;
  else if (entry.actions.rate)
    actions["rate"] = "unlimited"; // JSON has no infinity
  if (entry.actions.sample)
    actions["sample"] = true;
  if (!entry.actions.terminal)
    actions["terminal"] = false;
  if (entry.actions.dscp_mark)
    actions["dscp_mark"] = *entry.actions.dscp_mark;
  if (entry.actions.redirect)
    actions["redirect"] = *entry.actions.redirect;
  if (!entry.actions.unknown.empty())
    actions["unknown"] = list(entry.actions.unknown);

  ordered_json result = {{"id", stable_id(entry.match)}, {"family", name(entry.match.family)}};
  if (entry.sequence)
    result["sequence"] = *entry.sequence;
  result["match"] = std::move(match);
  result["actions"] = std::move(actions);
  if (!entry.route_targets.empty())
    result["route_targets"] = list(entry.route_targets);
  if (!entry.communities.empty())
    result["communities"] = list(entry.communities);
  if (!entry.age.empty())
    result["age"] = entry.age;
  return result;
}

ordered_json to_json(const Rejected& rejected) {
  return {{"subject", rejected.subject}, {"reason", name(rejected.reason)}, {"detail", rejected.detail}};
}

std::string dump(const ordered_json& document) {
  return document.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

} // namespace flowspec
