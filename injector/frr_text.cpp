// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/frr_text.hpp"

#include "common/error.hpp"
#include "injector/json_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bitset>
#include <cstddef>

namespace flowspec {

namespace {

/// Reads one array after another into the same ShownRoute. What is wrong is thrown as a JsonFault.
class RouteReader {
 public:
  explicit RouteReader(JsonText& json) : json_(json) {}

  const ShownRoute& read() {
    const std::size_t start = json_.position();
    json_.forget_strings();
    route_.paths.clear();
    path_open_ = false;
    expect(json_.take('['), "a route should begin");
    if (json_.next() == ']')
      throw JsonFault("an empty array");
    do
      read_object();
    while (json_.take(','));
    expect(json_.take(']'), "\",\" or \"]\" should be");
    if (path_open_)
      throw JsonFault("a path without its \"time\"");
    route_.text = json_.since(start);
    return route_;
  }

 private:
  enum class Kind { unknown, components, communities, time };
  /// A key by its place in ShownPath::keys; behind them the other three.
  static constexpr std::size_t ecomlist = ShownPath::component_count;
  static constexpr std::size_t ecom6list = ecomlist + 1;
  static constexpr std::size_t time = ecomlist + 2;
  static constexpr std::size_t unknown_key = ecomlist + 3;

  void read_object() {
    expect(json_.take('{'), "an object should begin");
    const bool first = !path_open_;
    kind_ = first ? Kind::components : Kind::unknown;
    seen_.reset();
    if (first) {
      route_.paths.emplace_back();
      path_open_ = true;
      communities_seen_ = false;
    }
    if (!json_.take('}')) {
      do
        read_member();
      while (json_.take(','));
      expect(json_.take('}'), "\",\" or \"}\" should be");
    }
    if (kind_ == Kind::unknown)
      throw JsonFault("an empty object behind the components");
    if (kind_ == Kind::components && route_.paths.size() > 1 &&
        route_.paths.back().components != route_.paths.front().components)
      throw JsonFault("two paths of one route with different components");
    if (kind_ == Kind::communities)
      communities_seen_ = true;
    if (kind_ == Kind::time)
      path_open_ = false;
  }

  void read_member() {
    const std::string_view name = json_.take_string();
    const std::size_t key = key_of(name);
    if (key != unknown_key && seen_[key])
      throw JsonFault(fmt::format("the key \"{}\" twice in an object", name));
    const Kind kind = kind_of(key);
    if (kind == Kind::unknown || (kind_ != Kind::unknown && kind != kind_))
      throw JsonFault(fmt::format("the key \"{}\" where it is not known", name));
    if (kind == Kind::communities && communities_seen_)
      throw JsonFault("communities twice in a path");
    seen_[key] = true;
    kind_ = kind;
    expect(json_.take(':'), "\":\" should be");
    if (json_.next() != '"')
      expect(false, "a text should be");
    const std::string_view value = json_.take_string();
    ShownPath& path = route_.paths.back();
    if (key == time) {
      if (!is_age(value))
        throw JsonFault(fmt::format("\"time\" is \"{}\", which is no time of FRR's", value));
      path.age = value;
    } else if (key == ecomlist) {
      path.ecomlist = value;
    } else if (key == ecom6list) {
      path.ecom6list = value;
    } else {
      path.components[key] = value;
    }
  }

  void expect(bool there, std::string_view what) const {
    if (!there)
      throw JsonFault(fmt::format("{} where {}", json_.here(), what));
  }
  static std::size_t key_of(std::string_view name) {
    if (name == "time")
      return time;
    if (name == "ecomlist")
      return ecomlist;
    if (name == "ecom6list")
      return ecom6list;
    const auto* const found = std::find(ShownPath::keys.begin(), ShownPath::keys.end(), name);
    return found == ShownPath::keys.end() ? unknown_key
                                          : static_cast<std::size_t>(found - ShownPath::keys.begin());
  }
  static Kind kind_of(std::size_t key) {
    if (key < ShownPath::component_count)
      return Kind::components;
    return key == time ? Kind::time : key == unknown_key ? Kind::unknown : Kind::communities;
  }
  /// "HH:MM:SS", "1d02h03m", "01w2d03h", "01y02w3d" or "never" (peer_uptime in bgpd.c).
  static bool is_age(std::string_view text) {
    return text == "never" ||
           (!text.empty() && text.find_first_not_of("0123456789:ywdhm") == std::string_view::npos);
  }

  JsonText& json_;
  ShownRoute route_;
  bool path_open_ = false;
  bool communities_seen_ = false;
  Kind kind_ = Kind::unknown;           ///< of the object at hand
  std::bitset<unknown_key + 1> seen_{}; ///< the keys of the object at hand
};

/// "line 3, byte 120", counted from 1.
std::string place(std::string_view text, std::size_t offset) {
  const auto lines = std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(offset), '\n');
  return fmt::format("line {}, byte {}", lines + 1, offset + 1);
}

} // namespace

void parse_flowspec_detail(std::string_view text, const std::function<void(const ShownRoute&)>& take) {
  JsonText json(text);
  RouteReader reader(json);
  for (json.skip_white_space(); !json.at_end(); json.skip_white_space()) {
    const std::size_t start = json.position();
    if (json.next() != '[')
      throw Error(fmt::format("FRR's flowspec routes: {}: {} where a route should begin", place(text, start),
                              json.here()));
    const ShownRoute* route = nullptr;
    try {
      route = &reader.read();
    } catch (const JsonFault& fault) {
      throw Error(fmt::format("FRR's flowspec routes: the route at {}: {} ({} bytes into it)",
                              place(text, start), fault.what(), json.position() - start));
    }
    take(*route);
  }
}

} // namespace flowspec
