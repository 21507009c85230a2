// SPDX-License-Identifier: GPL-2.0-or-later
//
// A policy's document: any bytes give a policy or a UsageError of one line, and nothing else. A policy can be
// applied, and has words. The document may include itself and one other.
#include "common/error.hpp"
#include "common/policy.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using namespace flowspec;

std::string included(const std::string& path) {
  if (path == "lists.json")
    return R"({"prefix_lists": {"infra": ["10.0.0.0/8", "2001:db8::/32"]}})";
  throw Error("open " + path + ": No such file or directory");
}

/// Applies it to a route with every kind of action; a term that changes nothing or something has words.
void use(const Policy& policy) {
  if (policy_text(policy).find("the default: ") == std::string::npos)
    std::abort();
  policy_warnings(policy);
  Entry entry;
  entry.match.destination = parse_prefix("10.1.0.0/16");
  entry.match.port = ValueSet::single(domain::port, 80);
  entry.actions.rate = 0;
  entry.actions.redirect = "65000:1";
  entry.route_targets = entry.communities = {"65000:101"};
  Entry untold = entry;
  const PolicyVerdict told = apply(policy, entry, [](std::size_t, const std::string& what) {
    if (what.empty())
      std::abort();
  });
  const PolicyVerdict same = apply(policy, untold);
  if (told.accepted != same.accepted || told.term != same.term || entry != untold ||
      name_of(policy, told).empty())
    std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    use(parse_policy({reinterpret_cast<const char*>(data), size}, "main.json", included));
  } catch (const UsageError& error) {
    if (std::string_view(error.what()).find('\n') != std::string_view::npos)
      std::abort();
  }
  return 0;
}
