// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/strict_json.hpp"

#include "common/error.hpp"
#include "common/printable.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <unordered_set>
#include <utility>
#include <vector>

namespace flowspec {

namespace {

using nlohmann::json;

constexpr std::size_t deepest = 32;
constexpr std::size_t longest_quote = 60;
constexpr std::size_t longest_complaint = 300;

/// The beginning of `text`, on one line.
std::string beginning(std::string_view text, std::size_t length) {
  return text.size() <= length ? one_line(text) : one_line(text.substr(0, length)) + "...";
}

/// As RFC 6901 writes it behind a slash.
std::string escaped(std::string_view key) {
  std::string result;
  for (const char character : key)
    if (character == '~')
      result += "~0";
    else if (character == '/')
      result += "~1";
    else
      result += character;
  return result;
}

/// One line: the name of a file that another includes may have any characters.
[[noreturn]] void complain(const std::string& file, std::string_view path, std::string_view what) {
  throw UsageError(one_line(path.empty()
                                ? fmt::format("{}: {}", file, what)
                                : fmt::format("{}: {}: {}", file, beginning(path, longest_complaint), what)));
}

/// Reads a document for its shape alone: the library's parser would keep the last of two equal keys and say
/// nothing, and takes any depth. (One that is called back as it parses needs the square of the time.)
class ShapeGuard final : public nlohmann::json_sax<json> {
 public:
  explicit ShapeGuard(const std::string& file) : file_(file) {}

  bool start_object(std::size_t) override { return begin(false); }
  bool start_array(std::size_t) override { return begin(true); }
  bool end_object() override { return end(); }
  bool end_array() override { return end(); }
  bool key(std::string& name) override {
    Level& level = levels_.back();
    level.key = name;
    if (!level.keys.insert(name).second)
      complain(file_, path(), "the key stands there twice");
    return true;
  }
  bool null() override { return value(); }
  bool boolean(bool) override { return value(); }
  bool number_integer(number_integer_t) override { return value(); }
  bool number_unsigned(number_unsigned_t) override { return value(); }
  bool number_float(number_float_t, const string_t&) override { return value(); }
  bool string(std::string&) override { return value(); }
  bool binary(binary_t&) override { return value(); }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& error) override {
    // "[json.exception.parse_error.101] parse error at line 1, column 2: ..."
    const std::string_view what = error.what();
    const std::size_t label = what.find("] ");
    const std::string_view plain = what.substr(label == std::string_view::npos ? 0 : label + 2);
    complain(file_, "", "expected a JSON document: " + printable(plain.substr(0, longest_complaint)));
  }

 private:
  struct Level {
    bool is_array;
    std::size_t index; ///< of an array: of the element at hand
    std::string key;   ///< of an object: of the member at hand
    std::unordered_set<std::string> keys;
  };

  bool begin(bool is_array) {
    if (levels_.size() == deepest)
      complain(file_, path(), fmt::format("nests deeper than {} levels", deepest));
    levels_.push_back({is_array, 0, {}, {}});
    return true;
  }
  bool end() {
    levels_.pop_back();
    return value();
  }
  bool value() {
    if (!levels_.empty())
      ++levels_.back().index;
    return true;
  }
  std::string path() const {
    std::string result;
    for (const Level& level : levels_)
      result += "/" + (level.is_array ? std::to_string(level.index) : escaped(level.key));
    return result;
  }

  const std::string& file_;
  std::vector<Level> levels_;
};

/// The value in few words, for an error.
std::string shown(const json& value) {
  if (value.is_object())
    return value.empty() ? "{}" : "an object";
  if (value.is_array())
    return value.empty() ? "[]" : "a list";
  if (value.is_string())
    return fmt::format("\"{}\"", beginning(value.get_ref<const std::string&>(), longest_quote));
  return value.dump();
}

} // namespace

json parse_strict(std::string_view text, const std::string& file) {
  ShapeGuard guard(file);
  json::sax_parse(text.begin(), text.end(), &guard);
  return json::parse(text.begin(), text.end());
}

std::optional<JsonPlace> JsonPlace::find(const std::string& key) const {
  if (!value_->is_object())
    return std::nullopt;
  const auto found = value_->find(key);
  if (found == value_->end())
    return std::nullopt;
  return JsonPlace(*found, *file_, path_ + "/" + escaped(key));
}

JsonPlace JsonPlace::member(const std::string& key) const {
  std::optional<JsonPlace> found = find(key);
  if (!found)
    refuse(fmt::format("expected a member \"{}\"", key));
  return *std::move(found);
}

JsonPlace JsonPlace::element(std::size_t index) const {
  return {(*value_)[index], *file_, fmt::format("{}/{}", path_, index)};
}

void JsonPlace::only(std::initializer_list<std::string_view> keys) const {
  const std::string known = fmt::format("an object with the keys {}", fmt::join(keys, ", "));
  if (!value_->is_object())
    expected(known);
  for (const auto& [key, member] : value_->items())
    if (std::find(keys.begin(), keys.end(), key) == keys.end())
      JsonPlace(member, *file_, path_ + "/" + escaped(key)).refuse("an unknown key; expected " + known);
}

std::size_t JsonPlace::list(std::string_view of_what) const {
  if (!value_->is_array() || value_->empty())
    expected(fmt::format("a list of one or more of {}", of_what));
  return value_->size();
}

const std::string& JsonPlace::text(std::string_view what) const {
  if (!value_->is_string())
    expected(what);
  return value_->get_ref<const std::string&>();
}

std::uint64_t JsonPlace::whole(std::uint64_t least, std::uint64_t most, std::string_view what) const {
  constexpr double too_large = 18446744073709551616.0; // 2^64
  std::optional<std::uint64_t> number;
  if (value_->is_number_unsigned()) {
    number = value_->get<std::uint64_t>();
  } else if (value_->is_number()) { // 5.0 is a whole number too
    const double read = value_->get<double>();
    if (read >= 0 && read < too_large && std::floor(read) == read)
      number = static_cast<std::uint64_t>(read);
  }
  if (!number || *number < least || *number > most)
    expected(what);
  return *number;
}

double JsonPlace::number(double least, double most, std::string_view what) const {
  const double read = value_->is_number() ? value_->get<double>() : std::nan("");
  if (!(read >= least && read <= most))
    expected(what);
  return read + 0.0; // -0 is 0
}

void JsonPlace::expected(std::string_view what) const {
  refuse(fmt::format("expected {}, found {}", what, shown(*value_)));
}

void JsonPlace::refuse(std::string_view why) const {
  complain(*file_, path_, why);
}

} // namespace flowspec
