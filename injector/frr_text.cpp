// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/frr_text.hpp"

#include "common/error.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstddef>
#include <iterator>

namespace flowspec {

namespace {

/// An input iterator whose copies move together, so that the place where a parser stopped is known.
class SharedCursor {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  explicit SharedCursor(const char** at) : at_(at) {}
  reference operator*() const { return **at_; }
  SharedCursor& operator++() {
    ++*at_;
    return *this;
  }
  void operator++(int) { ++*at_; }
  bool operator==(const SharedCursor& other) const { return *at_ == *other.at_; }

 private:
  const char** at_;
};

/// Takes the events of one array. Every handler returns false to stop the parser; `complaint` then says why.
class RouteHandler final : public nlohmann::json_sax<nlohmann::json> {
 public:
  ShownRoute route;
  std::string complaint;

  bool start_array(std::size_t) override { return depth_++ == 0 || complain("an array within a route"); }
  bool end_array() override {
    --depth_;
    if (path_open_)
      return complain("a path without its \"time\"");
    return !route.paths.empty() || complain("an empty array");
  }
  bool start_object(std::size_t) override {
    if (depth_++ != 1)
      return complain(depth_ == 1 ? "an object where the array of a route should be"
                                  : "an object within an object");
    kind_ = path_open_ ? Kind::unknown : Kind::components;
    seen_.clear();
    if (!path_open_) {
      route.paths.emplace_back();
      path_open_ = true;
      communities_seen_ = false;
    }
    return true;
  }
  bool end_object() override {
    --depth_;
    if (kind_ == Kind::unknown)
      return complain("an empty object behind the components");
    if (kind_ == Kind::components && route.paths.size() > 1 &&
        route.paths.back().components != route.paths.front().components)
      return complain("two paths of one route with different components");
    if (kind_ == Kind::communities)
      communities_seen_ = true;
    if (kind_ == Kind::time)
      path_open_ = false;
    return true;
  }
  bool key(std::string& name) override {
    if (has_control_character(name))
      return complain("a control character in a key");
    if (std::find(seen_.begin(), seen_.end(), name) != seen_.end())
      return complain(fmt::format("the key \"{}\" twice in an object", name));
    seen_.push_back(name);
    const Kind kind = kind_of(name);
    if (kind == Kind::unknown || (kind_ != Kind::unknown && kind != kind_))
      return complain(fmt::format("the key \"{}\" where it is not known", name));
    if (kind == Kind::communities && communities_seen_)
      return complain("communities twice in a path");
    kind_ = kind;
    return true;
  }
  bool string(std::string& value) override {
    if (depth_ != 2)
      return complain("a text outside of an object");
    if (has_control_character(value))
      return complain("a control character in a text");
    ShownPath& path = route.paths.back();
    const std::string& name = seen_.back();
    if (name == "time") {
      if (!is_age(value))
        return complain(fmt::format("\"time\" is \"{}\", which is no time of FRR's", value));
      path.age = std::move(value);
    } else if (name == "ecomlist") {
      path.ecomlist = std::move(value);
    } else if (name == "ecom6list") {
      path.ecom6list = std::move(value);
    } else {
      path.components[component_index(name)] = std::move(value);
    }
    return true;
  }
  bool null() override { return complain("a null"); }
  bool boolean(bool) override { return complain("a true or false"); }
  bool number_integer(number_integer_t) override { return complain("a number"); }
  bool number_unsigned(number_unsigned_t) override { return complain("a number"); }
  bool number_float(number_float_t, const string_t&) override { return complain("a number"); }
  bool binary(binary_t&) override { return complain("binary data"); }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& error) override {
    return complain(error.what());
  }

 private:
  enum class Kind { unknown, components, communities, time };

  bool complain(std::string text) {
    complaint = std::move(text);
    return false;
  }
  /// FRR prints none; one could break a line of what is printed here.
  static bool has_control_character(std::string_view text) {
    return std::any_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; });
  }
  static std::size_t component_index(std::string_view name) {
    return static_cast<std::size_t>(std::find(ShownPath::keys.begin(), ShownPath::keys.end(), name) -
                                    ShownPath::keys.begin());
  }
  static Kind kind_of(std::string_view name) {
    if (name == "time")
      return Kind::time;
    if (name == "ecomlist" || name == "ecom6list")
      return Kind::communities;
    return component_index(name) < ShownPath::component_count ? Kind::components : Kind::unknown;
  }
  /// "HH:MM:SS", "1d02h03m", "01w2d03h", "01y02w3d" or "never" (peer_uptime in bgpd.c).
  static bool is_age(std::string_view text) {
    return text == "never" ||
           (!text.empty() && text.find_first_not_of("0123456789:ywdhm") == std::string_view::npos);
  }

  int depth_ = 0;
  bool path_open_ = false;
  bool communities_seen_ = false;
  Kind kind_ = Kind::unknown;
  std::vector<std::string> seen_; ///< the keys of the object at hand
};

/// "line 3, byte 120", counted from 1.
std::string place(std::string_view text, std::size_t offset) {
  const auto lines = std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(offset), '\n');
  return fmt::format("line {}, byte {}", lines + 1, offset + 1);
}

/// The text at `offset` for an error message: its first printable characters.
std::string excerpt(std::string_view text, std::size_t offset) {
  std::string shown(text.substr(offset, 40));
  for (char& character : shown)
    if (character < ' ' || character > '~')
      character = '.';
  return shown;
}

} // namespace

std::vector<ShownRoute> parse_flowspec_detail(std::string_view text) {
  std::vector<ShownRoute> routes;
  const char* const begin = text.data();
  const char* end = begin + text.size();
  const char* at = begin;
  const auto skip_white_space = [&] {
    while (at != end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
      ++at;
  };
  for (skip_white_space(); at != end; skip_white_space()) {
    const auto start = static_cast<std::size_t>(at - begin);
    if (*at != '[')
      throw Error(fmt::format("FRR's flowspec routes: {}: \"{}\" where a route should begin",
                              place(text, start), excerpt(text, start)));
    RouteHandler handler;
    const char* const document = at;
    if (!nlohmann::json::sax_parse(SharedCursor(&at), SharedCursor(&end), &handler,
                                   nlohmann::json::input_format_t::json, false))
      throw Error(fmt::format("FRR's flowspec routes: the route at {}: {} ({} bytes into it)",
                              place(text, start), handler.complaint, at - document));
    handler.route.text = text.substr(start, static_cast<std::size_t>(at - document));
    routes.push_back(std::move(handler.route));
  }
  return routes;
}

} // namespace flowspec
