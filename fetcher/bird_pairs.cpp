// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/bird_pairs.hpp"

#include "common/entry.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace flowspec {

namespace {

using namespace flow_operator;

struct Word {
  std::string_view text;
  std::uint8_t bits;
};

constexpr std::array numeric_operators{
    Word{"=", equal},   Word{"!=", less | greater},  Word{"<", less},  Word{"<=", less | equal},
    Word{">", greater}, Word{">=", greater | equal}, Word{"false", 0}, Word{"true", less | greater | equal},
};

constexpr std::array fragment_words{
    Word{"dont_fragment", fragment_bit::dont_fragment},
    Word{"is_fragment", fragment_bit::is_fragment},
    Word{"first_fragment", fragment_bit::first_fragment},
    Word{"last_fragment", fragment_bit::last_fragment},
};

constexpr std::uint32_t reserved_tcp_flags = 0xf000;

/// The word that comes next, or none.
template <std::size_t Size>
const Word* next_of(const BirdValues& values, const std::array<Word, Size>& words) {
  const BirdToken token = values.peek();
  const auto found = std::ranges::find_if(words, [&token](const Word& word) { return token.is(word.text); });
  return found == words.end() ? nullptr : &*found;
}

/// "80" or "8000..8080"
bool read_bare(BirdValues& values, std::uint32_t max, std::vector<FlowPair>& pairs) {
  FlowPair first{equal, {}};
  FlowPair last{and_with_previous | less | equal, {}};
  if (!values.number(max, first.value))
    return false;
  const bool range = values.accept("..");
  if (range && !values.number(max, last.value))
    return false;
  if (range)
    first.op = greater | equal;
  pairs.push_back(first);
  if (range)
    pairs.push_back(last);
  return true;
}

/// V/M: the bits of V by match, and those of M without V by not-any.
void add_bits(std::uint8_t op, std::uint32_t value, std::uint32_t mask, std::vector<FlowPair>& pairs) {
  if (value != 0) {
    pairs.push_back({static_cast<std::uint8_t>(op ^ match), value});
    op |= and_with_previous;
  }
  if (value != mask)
    pairs.push_back({static_cast<std::uint8_t>(op ^ negated), mask & ~value});
}

/// The pairs of one test; `joint` is of the first of them.
bool read_flags_test(BirdValues& values, std::uint8_t joint, std::vector<FlowPair>& pairs) {
  const bool negation = values.accept("!");
  std::optional<std::uint32_t> value;
  std::optional<std::uint32_t> mask;
  if (!values.number(0xffff, value) || !values.expect("/") || !values.number(0xffff, mask))
    return false;
  if (!value || !mask) {
    pairs.push_back({joint, {}});
    return true;
  }
  if (negation && *value != 0 && *value != *mask)
    return values.refuse(
        fmt::format("!{:#x}/{:#x}: behind ! the value must be 0 or the mask", *value, *mask));
  if ((*mask & reserved_tcp_flags) != 0)
    return values.refuse(fmt::format("the mask {:#x} is over 0xfff", *mask));
  if ((*value & ~*mask) != 0)
    return values.refuse(fmt::format("the value {:#x} is outside of the mask {:#x}", *value, *mask));
  if (*mask == 0)
    values.complain(LintKind::misread, "tcp flags 0x0/0x0: BIRD leaves it out, it tests no bit");
  add_bits(static_cast<std::uint8_t>(joint | (negation ? negated : 0)), *value, *mask, pairs);
  return true;
}

bool read_fragment_test(BirdValues& values, std::uint8_t joint, std::vector<FlowPair>& pairs) {
  const bool negation = values.accept("!");
  const Word* const word = next_of(values, fragment_words);
  if (word == nullptr)
    return values.unexpected();
  values.skip(1);
  add_bits(joint, negation ? 0U : word->bits, word->bits, pairs);
  return true;
}

/// Tests joined by && and ||; a comma is && here.
template <class Test>
bool read_bit_list(BirdValues& values, std::vector<FlowPair>& pairs, const Test& test) {
  for (std::uint8_t joint = 0;;) {
    if (!test(values, joint, pairs))
      return false;
    if (values.accept("&&") || values.accept(","))
      joint = and_with_previous;
    else if (values.accept("||"))
      joint = 0;
    else
      return true;
  }
}

} // namespace

// Items with an operator, joined by && and ||, and lists of bare values and ranges, joined by ||. A comma
// stands between bare ones only, && before operators only.
bool read_numbers(BirdValues& values, std::uint32_t max, std::vector<FlowPair>& pairs) {
  std::uint8_t joint = 0;
  bool comma = false;
  for (;;) {
    const Word* const word = next_of(values, numeric_operators);
    if (word != nullptr ? comma : joint != 0)
      return values.unexpected();
    if (word != nullptr) {
      values.skip(1);
      pairs.push_back({static_cast<std::uint8_t>(joint | word->bits), {}});
    }
    if (!(word != nullptr ? values.number(max, pairs.back().value) : read_bare(values, max, pairs)))
      return false;
    comma = word == nullptr && values.accept(",");
    joint = !comma && values.accept("&&") ? and_with_previous : 0;
    if (!comma && joint == 0 && !values.accept("||"))
      return true;
  }
}

bool read_tcp_flags(BirdValues& values, std::vector<FlowPair>& pairs) {
  return read_bit_list(values, pairs, read_flags_test);
}

bool read_fragment(BirdValues& values, std::vector<FlowPair>& pairs) {
  return read_bit_list(values, pairs, read_fragment_test);
}

} // namespace flowspec
