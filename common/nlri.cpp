// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/nlri.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <vector>

namespace flowspec {

namespace {

// Operator octets, RFC 8955 section 4.2.1.
constexpr std::uint8_t end_of_list = 0x80;
constexpr std::uint8_t and_bit = 0x40;
constexpr std::uint8_t less = 0x04;
constexpr std::uint8_t greater = 0x02;
constexpr std::uint8_t equal = 0x01;
constexpr std::uint8_t negated = 0x02;
constexpr std::uint8_t match_bit = 0x01;

// What the bytes go to has push_back: a vector, a hash, or ShortBytes.

/// One {operator, value} pair with the value in the shortest of 1, 2 or 4 octets.
template <class Bytes>
void append_pair(Bytes& data, unsigned op, std::uint32_t value) {
  const unsigned width_code = value <= 0xff ? 0 : value <= 0xffff ? 1 : 2;
  data.push_back(static_cast<std::uint8_t>(op | width_code << 4));
  for (unsigned octets = 1U << width_code; octets > 0; --octets)
    data.push_back(static_cast<std::uint8_t>(value >> (octets - 1) * 8));
}

template <class Bytes>
void append(Bytes& data, const Prefix& prefix) {
  data.push_back(prefix.length);
  if (prefix.family() == Family::ipv6)
    data.push_back(prefix.offset);
  // RFC 8956 section 3.1: the pattern starts at the offset and fills whole octets.
  const unsigned bits = prefix.length - prefix.offset;
  if (prefix.offset == 0) { // the bits behind the length are 0 already
    for (unsigned octet = 0; octet < (bits + 7) / 8; ++octet)
      data.push_back(prefix.address.bytes[octet]);
    return;
  }
  for (unsigned first = 0; first < bits; first += 8) {
    unsigned octet = 0;
    for (unsigned index = first; index < std::min(first + 8, bits); ++index)
      if (prefix.address.bit(prefix.offset + index))
        octet |= 0x80U >> (index - first);
    data.push_back(static_cast<std::uint8_t>(octet));
  }
}

template <class Bytes>
void append(Bytes& data, const ValueSet& set) {
  const std::span<const Interval> intervals = set.intervals();
  for (const Interval& interval : intervals) {
    const unsigned end = &interval == &intervals.back() ? end_of_list : 0U;
    if (interval.first == interval.last) {
      append_pair(data, end | equal, interval.first);
    } else {
      append_pair(data, greater | equal, interval.first);
      append_pair(data, end | and_bit | less | equal, interval.last);
    }
  }
  if (intervals.empty())
    append_pair(data, end_of_list, 0); // "false"
}

/// Numbers as they were announced.
struct AnnouncedTests {
  std::span<const NumericTest> tests;
  std::uint32_t joined = 0; ///< as in NumericReading
};

template <class Bytes>
void append(Bytes& data, const AnnouncedTests& list) {
  for (std::size_t index = 0; index < list.tests.size(); ++index) {
    const NumericTest& test = list.tests[index];
    const bool joined = index > 0 && (list.joined >> (index - 1) & 1) != 0;
    const unsigned end = index + 1 == list.tests.size() ? end_of_list : 0U;
    append_pair(data,
                end | (joined ? and_bit : 0U) | (test.less ? less : 0U) | (test.greater ? greater : 0U) |
                    (test.equal ? equal : 0U),
                static_cast<std::uint32_t>(test.value));
  }
}

template <class Bytes>
void append(Bytes& data, const BitTests& list) {
  for (const BitTest& test : list.tests) {
    const bool joined = test.and_with_previous && &test != list.tests.begin();
    const unsigned end = &test == &list.tests.back() ? end_of_list : 0U;
    append_pair(data,
                end | (joined ? and_bit : 0U) | (test.negated ? negated : 0U) | (test.match ? match_bit : 0U),
                test.value);
  }
  if (list.tests.empty())
    append_pair(data, end_of_list, 0); // holds for nothing
}

/// Hands `use` the type and the value of each component that is present.
template <typename Use>
void for_each_component(const Components& match, Use use) {
  const auto add = [&use](std::uint8_t type, const auto& component) {
    if (component)
      use(type, *component);
  };
  add(1, match.destination);
  add(2, match.source);
  add(3, match.protocol);
  add(4, match.port);
  add(5, match.destination_port);
  add(6, match.source_port);
  add(7, match.icmp_type);
  add(8, match.icmp_code);
  add(9, match.tcp_flags);
  add(10, match.packet_length);
  add(11, match.dscp);
  add(12, match.fragment);
  add(13, match.flow_label);
}

/// The bytes of one component; the usual one needs no memory.
class ShortBytes {
 public:
  template <class Component>
  explicit ShortBytes(const Component& component) {
    append(*this, component);
  }
  void push_back(std::uint8_t byte) {
    if (size_ < here_.size())
      here_[size_] = byte;
    else if (size_ == here_.size())
      longer_.assign(here_.begin(), here_.end());
    if (size_ >= here_.size())
      longer_.push_back(byte);
    ++size_;
  }
  std::span<const std::uint8_t> bytes() const {
    return {longer_.empty() ? here_.data() : longer_.data(), size_};
  }

 private:
  std::array<std::uint8_t, 48> here_;
  std::size_t size_ = 0;
  std::vector<std::uint8_t> longer_;
};

/// FNV-1a.
struct Hash {
  std::uint64_t value = 0xcbf29ce484222325U;
  void push_back(std::uint8_t byte) { value = (value ^ byte) * 0x100000001b3U; }
};

template <class Component>
std::strong_ordering compare(const Component& a, std::span<const std::uint8_t> announced_a,
                             const Component& b, std::span<const std::uint8_t> announced_b) {
  if (announced_a.empty() && announced_b.empty() && a == b)
    return std::strong_ordering::equal;
  const ShortBytes encoded_a(a);
  const ShortBytes encoded_b(b);
  const std::span<const std::uint8_t> left = announced_a.empty() ? encoded_a.bytes() : announced_a;
  const std::span<const std::uint8_t> right = announced_b.empty() ? encoded_b.bytes() : announced_b;
  const int bytes = std::memcmp(left.data(), right.data(), std::min(left.size(), right.size()));
  return bytes != 0 ? bytes <=> 0 : right.size() <=> left.size();
}

void add_if_other(AnnouncedBytes& to, std::uint8_t type, const ShortBytes& announced,
                  const ShortBytes& canonical) {
  if (!std::ranges::equal(announced.bytes(), canonical.bytes()))
    to.add(type, announced.bytes());
}

} // namespace

std::vector<std::uint8_t> canonical_nlri(const Components& match) {
  constexpr std::size_t usual_size = 40;
  std::vector<std::uint8_t> bytes;
  bytes.reserve(usual_size);
  for_each_component(match, [&bytes](std::uint8_t type, const auto& component) {
    bytes.push_back(type);
    append(bytes, component);
  });
  return bytes;
}

std::uint64_t match_hash(const Components& match) {
  Hash bytes;
  bytes.push_back(static_cast<std::uint8_t>(match.family));
  for_each_component(match, [&bytes](std::uint8_t type, const auto& component) {
    bytes.push_back(type);
    append(bytes, component);
  });
  // The finaliser of MurmurHash3, so that short inputs spread over all digits.
  std::uint64_t hash = bytes.value;
  hash = (hash ^ hash >> 33) * 0xff51afd7ed558ccdU;
  hash = (hash ^ hash >> 33) * 0xc4ceb9fe1a85ec53U;
  return hash ^ hash >> 33;
}

std::strong_ordering compare_bytes(const ValueSet& a, std::span<const std::uint8_t> announced_a,
                                   const ValueSet& b, std::span<const std::uint8_t> announced_b) {
  return compare(a, announced_a, b, announced_b);
}

std::strong_ordering compare_bytes(const BitTests& a, std::span<const std::uint8_t> announced_a,
                                   const BitTests& b, std::span<const std::uint8_t> announced_b) {
  return compare(a, announced_a, b, announced_b);
}

void add_announced(AnnouncedBytes& to, std::uint8_t type, std::span<const NumericTest> tests,
                   const NumericReading& reading) {
  if (tests.size() == 1 && tests[0].equal && !tests[0].less && !tests[0].greater)
    return; // by far the most, and written in one way only
  add_if_other(to, type, ShortBytes(AnnouncedTests{tests, reading.joined}), ShortBytes(reading.values));
}

void add_announced(AnnouncedBytes& to, std::uint8_t type, const BitTests& tests, const BitTests& meant) {
  add_if_other(to, type, ShortBytes(tests), ShortBytes(meant));
}

} // namespace flowspec
