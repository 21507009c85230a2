// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/as_number.hpp"

#include <nlohmann/json.hpp>

#include <charconv>
#include <limits>

namespace flowspec {

namespace {

template <class Number>
std::optional<Number> whole(std::string_view digits) {
  Number number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc{} || end != digits.data() + digits.size())
    return std::nullopt;
  return number;
}

} // namespace

std::optional<std::uint32_t> parse_as_number(std::string_view text) {
  const std::size_t dot = text.find('.');
  if (dot == std::string_view::npos)
    return whole<std::uint32_t>(text);
  const auto high = whole<std::uint16_t>(text.substr(0, dot));
  const auto low = whole<std::uint16_t>(text.substr(dot + 1));
  if (!high || !low)
    return std::nullopt;
  return std::uint32_t{*high} << 16 | *low;
}

std::uint32_t as_number(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end())
    return 0;
  if (found->is_string())
    return parse_as_number(found->get_ref<const std::string&>()).value_or(0);
  const std::uint64_t number = found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
  return number <= std::numeric_limits<std::uint32_t>::max() ? static_cast<std::uint32_t>(number) : 0;
}

} // namespace flowspec
