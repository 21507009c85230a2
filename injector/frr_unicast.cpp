// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/frr_unicast.hpp"

#include "common/error.hpp"
#include "injector/as_number.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <optional>
#include <utility>

namespace flowspec {

namespace {

using nlohmann::json;

[[noreturn]] void unbelievable(std::string_view why) {
  throw Error(fmt::format("FRR's unicast routes: {}", why));
}

/// What FRR has for a peer where there is none.
constexpr std::string_view nobody = "(unspec)";
constexpr const char* misshapen = "not the routes of a table";

/// "65002 65010", "{65002,65003}", "(65102) 65002", "[65102] 65002", "".
void read_as_path(std::string_view text, UnicastRoute& route) {
  while (!text.empty() && (text.front() == '(' || text.front() == '[')) {
    route.confederation = true;
    const std::size_t end = text.find(text.front() == '(' ? ')' : ']');
    if (end == std::string_view::npos)
      unbelievable(fmt::format("an AS path of {} ends in a segment: {}", to_string(route.prefix), text));
    text.remove_prefix(end + 1);
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  }
  if (text.empty() || text.front() == '{')
    return;
  const auto first = parse_as_number(text.substr(0, text.find(' ')));
  if (!first)
    unbelievable(fmt::format("an AS path of {} begins with no AS: {}", to_string(route.prefix), text));
  route.first_as = *first;
}

/// Reads the table as it is parsed: a tree of it would be many times the size of its text.
class TableReader : public nlohmann::json_sax<json> {
 public:
  explicit TableReader(Family family) : family_(family) {}

  UnicastTable table() && {
    if (!version_ || !has_routes_)
      unbelievable(warning_.empty() ? "no table version, or no routes" : warning_);
    table_.version = *version_;
    table_.unchosen = usable_ && table_.best.empty();
    const auto order = [](const UnicastRoute& a, const UnicastRoute& b) { return a.prefix < b.prefix; };
    std::sort(table_.best.begin(), table_.best.end(), order);
    const auto twice =
        std::adjacent_find(table_.best.begin(), table_.best.end(),
                           [](const UnicastRoute& a, const UnicastRoute& b) { return a.prefix == b.prefix; });
    if (twice != table_.best.end())
      unbelievable(fmt::format("two best paths for {}", to_string(twice->prefix)));
    return std::move(table_);
  }

  bool start_object(std::size_t) override {
    enter('{');
    if (depth_ == routes_depth && key_ == "routes")
      has_routes_ = in_routes_ = true;
    if (in_path())
      path_ = {};
    return true;
  }
  bool end_object() override {
    if (in_path())
      end_path();
    in_routes_ = in_routes_ && depth_ > routes_depth;
    --depth_;
    return true;
  }
  bool start_array(std::size_t) override {
    enter('[');
    if (in_routes_ && depth_ == prefix_depth)
      begin_prefix();
    return true;
  }
  bool end_array() override {
    --depth_;
    return true;
  }
  bool key(std::string& name) override {
    key_ = std::move(name);
    return true;
  }

  bool boolean(bool value) override {
    if (in_path() && key_ == "bestpath")
      path_.best = value;
    else if (in_path() && key_ == "valid")
      usable_ = usable_ || value;
    return check();
  }
  bool string(std::string& value) override {
    if (in_path() && key_ == "peerId")
      path_.peer = std::move(value);
    else if (in_path() && key_ == "path")
      path_.as_path = std::move(value);
    else if (depth_ == 1 && key_ == "warning")
      warning_ = std::move(value);
    return check();
  }
  bool number_unsigned(std::uint64_t value) override {
    if (depth_ == 1 && key_ == "tableVersion")
      version_ = value;
    return check();
  }
  bool number_integer(std::int64_t) override { return check(); }
  bool number_float(double, const std::string&) override { return check(); }
  bool null() override { return check(); }
  bool binary(json::binary_t&) override { return check(); }
  bool parse_error(std::size_t, const std::string&, const json::exception&) override { return false; }

 private:
  // {"routes": {"PREFIX": [{path}, ...]}}: how deep each of them is.
  static constexpr std::size_t routes_depth = 2;
  static constexpr std::size_t prefix_depth = 3;
  static constexpr std::size_t path_depth = 4;

  struct Path {
    bool best = false;
    std::optional<std::string> peer;
    std::optional<std::string> as_path;
  };

  bool in_path() const { return in_routes_ && depth_ == path_depth; }

  void enter(char kind) {
    ++depth_;
    const bool other = (depth_ == 1 && kind != '{') ||
                       (in_routes_ && depth_ == prefix_depth && kind != '[') ||
                       (in_routes_ && depth_ == path_depth && kind != '{');
    if (other)
      unbelievable(misshapen);
  }

  /// After a value that is neither object nor array: there is none outside, among the prefixes or among the
  /// paths of one.
  bool check() const {
    if (depth_ == 0 || (in_routes_ && (depth_ == routes_depth || depth_ == prefix_depth)))
      unbelievable(misshapen);
    return true;
  }

  void begin_prefix() {
    const std::optional<Prefix> prefix = parse_prefix(key_);
    if (!prefix || prefix->family() != family_)
      unbelievable(fmt::format("\"{}\" is no {} prefix", key_, name(family_)));
    prefix_ = *prefix;
  }

  void end_path() {
    if (!path_.best)
      return;
    if (!path_.peer || !path_.as_path)
      unbelievable(fmt::format("the best path for {} has no \"peerId\" or no \"path\"", to_string(prefix_)));
    UnicastRoute route{prefix_, *path_.peer == nobody ? std::string() : std::move(*path_.peer)};
    if (!route.peer.empty())
      read_as_path(*path_.as_path, route);
    table_.best.push_back(std::move(route));
  }

  Family family_;
  UnicastTable table_;
  std::optional<std::uint64_t> version_;
  std::string warning_;
  std::size_t depth_ = 0;
  bool has_routes_ = false;
  bool in_routes_ = false;
  bool usable_ = false;
  Prefix prefix_;
  Path path_;
  std::string key_;
};

} // namespace

UnicastTable parse_unicast_table(std::string_view text, Family family) {
  TableReader reader(family);
  if (!json::sax_parse(text, &reader))
    unbelievable(text.find_first_not_of(" \r\n\t") == std::string_view::npos ? "nothing was answered"
                                                                             : "not one JSON document");
  return std::move(reader).table();
}

} // namespace flowspec
