// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/exposition.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <set>

namespace flowspec {

namespace {

/// How many bytes the UTF-8 sequence takes that `text` begins with (Unicode, table 3-7); 0: it is none.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [text](std::size_t at) {
    return at < text.size() ? static_cast<unsigned char>(text[at]) : 0U;
  };
  const unsigned first = byte(0);
  if (first < 0x80)
    return text.empty() ? 0 : 1;
  const std::size_t length = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  // Longer than need be, a surrogate, beyond the last code point: all to be seen in the second byte.
  const unsigned least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  const unsigned most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  if (length == 0 || byte(1) < least || byte(1) > most)
    return 0;
  for (std::size_t at = 2; at < length; ++at)
    if (byte(at) < 0x80 || byte(at) > 0xbf)
      return 0;
  return length;
}

bool is_control(char c) {
  return static_cast<unsigned char>(c) < ' ' || c == 0x7f;
}

std::string escaped(std::string_view value) {
  std::string out;
  while (!value.empty()) {
    const char c = value.front();
    const std::size_t length = std::max<std::size_t>(utf8_length(value), 1);
    if (c == '\n')
      out += "\\n";
    else if (c == '\\' || c == '"')
      out += {'\\', c};
    else if (is_control(c) || utf8_length(value) == 0)
      fmt::format_to(std::back_inserter(out), "\\\\x{:02x}", static_cast<unsigned char>(c));
    else
      out += value.substr(0, length);
    value.remove_prefix(length);
  }
  return out;
}

bool skip(std::string_view& text, std::string_view what) {
  if (!text.starts_with(what))
    return false;
  text.remove_prefix(what.size());
  return true;
}

/// Steps over what `escaped` writes, up to a bare quote.
bool skip_value(std::string_view& text) {
  while (!text.empty() && text.front() != '"') {
    if (skip(text, "\\")) {
      if (text.empty() || std::string_view("\\\"n").find(text.front()) == std::string_view::npos)
        return false;
      text.remove_prefix(1);
    } else if (const std::size_t length = utf8_length(text); length == 0 || is_control(text.front())) {
      return false;
    } else {
      text.remove_prefix(length);
    }
  }
  return true;
}

} // namespace

std::string label_list(const Labels& labels) {
  std::string list;
  for (const auto& [name, value] : labels)
    list += fmt::format("{}{}=\"{}\"", list.empty() ? "" : ",", name, escaped(value));
  return list;
}

std::string sample_name(std::string_view metric, const Labels& labels) {
  return labels.empty() ? std::string(metric) : fmt::format("{}{{{}}}", metric, label_list(labels));
}

bool is_label_list(std::string_view text) {
  std::set<std::string_view> names;
  do {
    const std::string_view name = text.substr(0, text.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"));
    if (name.empty() || !names.insert(name).second || !skip(text, name) || !skip(text, "=\"") ||
        !skip_value(text) || !skip(text, "\""))
      return false;
  } while (skip(text, ","));
  return text.empty();
}

std::string sample_value(double value) {
  if (std::isnan(value))
    return "NaN";
  if (std::isinf(value))
    return value > 0 ? "+Inf" : "-Inf";
  return fmt::format("{}", value);
}

void Exposition::metric(std::string_view name, std::string_view type, std::string_view help) {
  name_ = name;
  head_ = fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n", name, help, type);
}

void Exposition::sample(std::string_view labels, std::string_view value) {
  text_ += head_;
  head_.clear();
  const char* const comma = common_.empty() || labels.empty() ? "" : ",";
  const std::string list = fmt::format("{}{}{}", common_, comma, labels);
  text_ +=
      list.empty() ? fmt::format("{} {}\n", name_, value) : fmt::format("{}{{{}}} {}\n", name_, list, value);
}

} // namespace flowspec
