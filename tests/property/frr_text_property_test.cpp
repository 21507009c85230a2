// SPDX-License-Identifier: GPL-2.0-or-later
//
// The reader of FRR's text against a JSON parser that knows nothing of it: the same texts are taken, and they
// say the same.
#include "common/error.hpp"
#include "injector/frr_text.hpp"
#include "injector/json_text.hpp"
#include "tests/support/files.hpp"
#include "tests/support/generate.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <optional>
#include <set>

using namespace flowspec;
using generate::chance;
using generate::number;
using generate::Random;

namespace {

/// Objects with texts only: in the order of the text, and every key as often as it is there.
using Members = std::vector<std::pair<std::string, std::string>>;

/// Takes arrays of objects of texts.
class PlainSax final : public nlohmann::json_sax<nlohmann::json> {
 public:
  std::vector<Members> objects;

  bool start_array(std::size_t) override { return depth_++ == 0; }
  bool end_array() override { return --depth_ == 0; }
  bool start_object(std::size_t) override {
    objects.emplace_back();
    return depth_++ == 1;
  }
  bool end_object() override { return --depth_ == 1; }
  bool key(std::string& name) override {
    objects.back().emplace_back(name, "");
    return true;
  }
  bool string(std::string& value) override {
    if (depth_ != 2)
      return false;
    objects.back().back().second = value;
    return true;
  }
  bool null() override { return false; }
  bool boolean(bool) override { return false; }
  bool number_integer(number_integer_t) override { return false; }
  bool number_unsigned(number_unsigned_t) override { return false; }
  bool number_float(number_float_t, const string_t&) override { return false; }
  bool binary(binary_t&) override { return false; }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override {
    return false;
  }

 private:
  int depth_ = 0;
};

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

/// A path as its texts; "-" for what is absent, which no key's text is.
using PathTexts = std::vector<std::string>;
constexpr std::size_t ecomlist = ShownPath::component_count;
constexpr std::size_t age = ecomlist + 2;

std::optional<std::size_t> place_of(const std::string& key) {
  if (key == "ecomlist")
    return ecomlist;
  if (key == "ecom6list")
    return ecomlist + 1;
  if (key == "time")
    return age;
  const auto* const found = std::find(ShownPath::keys.begin(), ShownPath::keys.end(), key);
  if (found == ShownPath::keys.end())
    return std::nullopt;
  return static_cast<std::size_t>(found - ShownPath::keys.begin());
}

bool has_control(const std::string& text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; });
}

bool is_age(const std::string& text) {
  return text == "never" || (!text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
           return std::string_view("0123456789:ywdhm").find(c) != std::string_view::npos;
         }));
}

/// The paths that the objects of one array are; none when they are not a route of FRR's.
std::optional<std::vector<PathTexts>> as_route(const std::vector<Members>& objects) {
  std::vector<PathTexts> paths;
  bool open = false;
  bool communities_seen = false;
  for (const Members& members : objects) {
    std::set<std::string> keys;
    std::set<int> groups;
    if (!open) {
      paths.emplace_back(age + 1, "-");
      groups.insert(0);
      communities_seen = false;
    }
    const bool first = !std::exchange(open, true);
    for (const auto& [key, value] : members) {
      const std::optional<std::size_t> place = place_of(key);
      if (!place || !keys.insert(key).second || has_control(value) || (place == age && !is_age(value)))
        return std::nullopt;
      groups.insert(*place < ecomlist ? 0 : *place == age ? 2 : 1);
      paths.back()[*place] = "+" + value;
    }
    if (groups.size() != 1 || (first && *groups.begin() != 0))
      return std::nullopt;
    const int group = *groups.begin();
    if (group == 1 && std::exchange(communities_seen, true))
      return std::nullopt;
    if (group == 0 &&
        !std::equal(paths.front().begin(), paths.front().begin() + ecomlist, paths.back().begin()))
      return std::nullopt;
    open = group != 2;
  }
  return open || paths.empty() ? std::nullopt : std::optional(paths);
}

struct Shown {
  std::vector<PathTexts> paths;
  std::string text;
  bool operator==(const Shown&) const = default;
};
using Answer = std::optional<std::vector<Shown>>;

Answer by_the_other_parser(const std::string& text) {
  std::vector<Shown> routes;
  const char* at = text.data();
  const char* end = at + text.size();
  while (true) {
    while (at != end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
      ++at;
    if (at == end)
      return routes;
    const char* const start = at;
    PlainSax sax;
    // The parser would step over a byte order mark.
    if (*at != '[' || !nlohmann::json::sax_parse(SharedCursor(&at), SharedCursor(&end), &sax,
                                                 nlohmann::json::input_format_t::json, false))
      return std::nullopt;
    const auto paths = as_route(sax.objects);
    if (!paths)
      return std::nullopt;
    routes.push_back({*paths, std::string(start, at)});
  }
}

Answer by_ours(const std::string& text) {
  // In a block of just that size, where a sanitizer sees what is read behind its end.
  const std::vector<char> exact(text.begin(), text.end());
  std::vector<Shown> routes;
  try {
    parse_flowspec_detail({exact.data(), exact.size()}, [&routes](const ShownRoute& route) {
      Shown& shown = routes.emplace_back();
      shown.text = route.text;
      for (const ShownPath& path : route.paths) {
        PathTexts& texts = shown.paths.emplace_back(age + 1, "-");
        const auto put = [&texts](std::size_t place, const std::optional<std::string_view>& value) {
          if (value)
            texts[place] = "+" + std::string(*value);
        };
        for (std::size_t index = 0; index < ShownPath::component_count; ++index)
          put(index, path.components[index]);
        put(ecomlist, path.ecomlist);
        put(ecomlist + 1, path.ecom6list);
        put(age, path.age);
      }
    });
  } catch (const Error&) {
    return std::nullopt;
  }
  return routes;
}

/// Pieces of JSON and of FRR's answers; some are not allowed where they will stand.
const std::vector<std::string> pieces{"[",
                                      "]",
                                      "{",
                                      "}",
                                      ",",
                                      ":",
                                      "\"",
                                      "\\",
                                      " ",
                                      "\n",
                                      "\t",
                                      "\r",
                                      "\"to\"",
                                      "\"from\"",
                                      "\"time\"",
                                      "\"ecomlist\"",
                                      "\"ecom6list\"",
                                      "\"dstp\"",
                                      "\"vlan\"",
                                      "\"00:00:01\"",
                                      "\"never\"",
                                      "\"10.0.0.0/8\"",
                                      "{}",
                                      "{\"time\":\"1\"}",
                                      "{\"to\":\"a\"},",
                                      "{\"ecomlist\":\"1:2\"},",
                                      "null",
                                      "true",
                                      "1",
                                      "-1.5e3",
                                      "\\n",
                                      "\\/",
                                      "\\\"",
                                      "\\\\",
                                      "\\u0041",
                                      "\\u00e9",
                                      "\\u20aC",
                                      "\\ud83d\\ude00",
                                      "\\ud83d",
                                      "\\ude00",
                                      "\\u0000",
                                      "\\u001f",
                                      "\\u007f",
                                      "\\u12",
                                      "\\x",
                                      "\xc3\xa9",
                                      "\xe2\x82\xac",
                                      "\xf0\x9f\x98\x80",
                                      "\xc0\x80",
                                      "\xed\xa0\x80",
                                      "\xf4\x90\x80\x80",
                                      "\xef\xbb\xbf",
                                      "\xff",
                                      "\x80",
                                      "\x7f",
                                      "\x01",
                                      std::string(1, '\0'),
                                      "/*x*/",
                                      "//x\n"};

std::string some_piece(Random& random) {
  if (chance(random, 15))
    return std::string(1, static_cast<char>(static_cast<unsigned char>(number(random, 0, 255))));
  return pieces[number(random, 0, static_cast<std::uint32_t>(pieces.size() - 1))];
}

std::size_t some_place(Random& random, std::size_t size) {
  return number(random, 0, static_cast<std::uint32_t>(size));
}

/// A piece put in, taken out or said twice, once or a few times.
std::string changed(Random& random, std::string text) {
  for (std::uint32_t count = number(random, 1, 4); count > 0; --count) {
    const std::size_t at = some_place(random, text.size());
    const std::size_t length =
        std::min<std::size_t>(number(random, 0, chance(random, 80) ? 3 : 60), text.size() - at);
    switch (number(random, 0, 3)) {
    case 0:
      text.insert(at, some_piece(random));
      break;
    case 1:
      text.replace(at, length, some_piece(random));
      break;
    case 2:
      text.erase(at, length);
      break;
    case 3:
      text.insert(some_place(random, text.size()), text.substr(at, length));
      break;
    }
  }
  return text;
}

/// A string with its quotes, mostly a good one.
std::string some_string(Random& random, std::string_view usual) {
  if (chance(random, 90))
    return "\"" + std::string(usual) + "\"";
  std::string text = "\"";
  for (std::uint32_t count = number(random, 0, 3); count > 0; --count)
    text += chance(random, 50) ? std::string(usual) : pieces[number(random, 30, 47)];
  return text + "\"";
}

/// Arrays of objects as FRR's are, or nearly.
std::string some_routes(Random& random) {
  const auto space = [&random] { return std::string(chance(random, 20) ? " \n" : ""); };
  const auto object = [&](std::initializer_list<std::string_view> keys, std::string_view value) {
    std::string text;
    for (const std::string_view key : keys)
      if (chance(random, 70))
        text += (text.empty() ? "" : ",") + space() + some_string(random, key) + space() + ":" + space() +
                some_string(random, value);
    return "{" + text + space() + "}";
  };
  std::string text;
  for (std::uint32_t routes = number(random, 0, 3); routes > 0; --routes) {
    std::string array;
    for (std::uint32_t paths = number(random, 1, 2); paths > 0; --paths) {
      array += array.empty() ? "" : ",";
      array += object({"to", "proto"}, "x");
      if (chance(random, 50))
        array += "," + object({"ecomlist", "ecom6list"}, "1:2");
      if (chance(random, 5))
        array += "," + object({"to", "from"}, "x");
      array += ",{" + some_string(random, "time") + ":\"0" + (chance(random, 90) ? "" : "x") + "\"}";
    }
    text += "[" + array + space() + "]" + space();
  }
  return text;
}

/// Which of the two took it, for the count of what was tried; they have to agree.
bool agree(const std::string& text) {
  const Answer ours = by_ours(text);
  if (ours != by_the_other_parser(text)) {
    CAPTURE(text);
    CHECK(ours == by_the_other_parser(text));
  }
  return ours.has_value();
}

} // namespace

TEST_CASE("the captures, changed at random, are read as another parser reads them") {
  Random random(generate::seed());
  int taken = 0;
  for (const char* name : {"8.4.4/basic", "8.4.4/communities", "8.4.4/multipath", "8.4.4/t1.detail",
                           "8.4.4/v6", "8.4.4/neighbor", "10.7.0/ops", "10.7.0/v6"}) {
    const std::string text = test_data(std::string("captures/frr-") + name + ".txt");
    agree(text);
    for (int round = 0; round < 1500; ++round) {
      // A stretch of a few routes: the changes then meet in one of them.
      const std::size_t start = text.find("\n[", some_place(random, text.size()));
      const std::string stretch =
          start == std::string::npos ? text.substr(0, 600) : text.substr(start, number(random, 100, 900));
      const std::size_t end = stretch.rfind("\n]");
      taken +=
          agree(changed(random, end == std::string::npos ? stretch : stretch.substr(0, end + 2))) ? 1 : 0;
    }
  }
  CHECK(taken > 500);
}

TEST_CASE("random JSON and what is nearly JSON is read as another parser reads it") {
  Random random(generate::seed());
  int taken = 0;
  for (int round = 0; round < 20000; ++round) {
    const std::string text = some_routes(random);
    taken += agree(text) && !text.empty() ? 1 : 0;
    agree(changed(random, text));
    std::string heap;
    for (std::uint32_t count = number(random, 0, 12); count > 0; --count)
      heap += some_piece(random);
    agree(heap);
    agree("[" + heap);
    agree("[{\"to\":\"" + heap + "\"},{\"time\":\"1\"}]");
  }
  CHECK(taken > 1000);
}
