// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/rule_list.hpp"

#include <limits>
#include <stdexcept>

namespace flowspec {

/// To be changed: nobody else's.
RuleList::Packed& RuleList::own() {
  if (!packed_)
    packed_ = std::make_shared<Packed>();
  else if (packed_.use_count() > 1)
    packed_ = std::make_shared<Packed>(*packed_);
  return *packed_;
}

const Rule RuleList::at(std::size_t index) const { // NOLINT(readability-const-return-type)
  if (index >= size())
    throw std::out_of_range("no rule of that number");
  return (*this)[index];
}

std::string_view RuleList::bytes(std::size_t index) const {
  const std::size_t begin = index == 0 ? 0 : packed_->ends[index - 1];
  return std::string_view(packed_->bytes).substr(begin, packed_->ends[index] - begin);
}

void RuleList::push_back(const Rule& rule) {
  Packed& to = own();
  pack(rule, to.bytes);
  if (to.bytes.size() > std::numeric_limits<std::uint32_t>::max())
    throw std::length_error("more than 4 GiB of rules in one chain");
  to.ends.push_back(static_cast<std::uint32_t>(to.bytes.size()));
}

void RuleList::push_back_bytes(std::string_view bytes) {
  Packed& to = own();
  to.bytes += bytes;
  if (to.bytes.size() > std::numeric_limits<std::uint32_t>::max())
    throw std::length_error("more than 4 GiB of rules in one chain");
  to.ends.push_back(static_cast<std::uint32_t>(to.bytes.size()));
}

void RuleList::append(const RuleList& more) {
  if (empty()) {
    packed_ = more.packed_;
    return;
  }
  const RuleList keep = more; // it may be this one
  for (std::size_t index = 0; index < keep.size(); ++index)
    push_back_bytes(keep.bytes(index));
}

void RuleList::insert(Iterator before, const PackedRule& rule) {
  if (before == end())
    return push_back_bytes(rule.bytes());
  RuleList result;
  for (std::size_t index = 0; index < size(); ++index) {
    if (index == before.index())
      result.push_back_bytes(rule.bytes());
    result.push_back_bytes(bytes(index));
  }
  *this = std::move(result);
}

void RuleList::erase(Iterator at) {
  RuleList result;
  for (std::size_t index = 0; index < size(); ++index)
    if (index != at.index())
      result.push_back_bytes(bytes(index));
  *this = std::move(result);
}

std::size_t RuleList::remove(const Rule& rule) {
  const PackedRule packed(rule);
  RuleList result;
  for (std::size_t index = 0; index < size(); ++index)
    if (bytes(index) != packed.bytes())
      result.push_back_bytes(bytes(index));
  const std::size_t gone = size() - result.size();
  if (gone > 0)
    *this = std::move(result);
  return gone;
}

void RuleList::reserve(std::size_t rules) {
  constexpr std::size_t usual_bytes = 72;
  Packed& to = own();
  to.bytes.reserve(to.bytes.size() + rules * usual_bytes);
  to.ends.reserve(to.ends.size() + rules);
}

void RuleList::give_back_rest() {
  constexpr std::size_t large = 1 << 16;
  if (!packed_ || packed_.use_count() > 1 || packed_->bytes.size() >= large)
    return;
  packed_->bytes.shrink_to_fit();
  packed_->ends.shrink_to_fit();
}

bool RuleList::operator==(const RuleList& other) const {
  if (packed_ == other.packed_)
    return true;
  return size() == other.size() &&
         (empty() || (packed_->ends == other.packed_->ends && packed_->bytes == other.packed_->bytes));
}

} // namespace flowspec
