// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "common/packed_rule.hpp"

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flowspec {

class PackedRule;

/// Rules in order, packed: a rule is made when it is asked for, and cannot be changed in its place. Copies
/// share what they hold until one of them changes. Equal when the rules are.
class RuleList {
 public:
  using value_type = Rule;

  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag; // what it points to is made on the way
    using value_type = Rule;
    using difference_type = std::ptrdiff_t;
    using pointer = void;
    using reference = const Rule;

    Iterator(const RuleList* list, std::size_t index) : list_(list), index_(index) {}
    const Rule operator*() const { return (*list_)[index_]; } // NOLINT(readability-const-return-type)
    Iterator& operator++() {
      ++index_;
      return *this;
    }
    Iterator operator++(int) { return {list_, index_++}; }
    Iterator operator+(std::ptrdiff_t steps) const {
      return {list_, static_cast<std::size_t>(static_cast<std::ptrdiff_t>(index_) + steps)};
    }
    std::ptrdiff_t operator-(const Iterator& other) const {
      return static_cast<std::ptrdiff_t>(index_) - static_cast<std::ptrdiff_t>(other.index_);
    }
    bool operator==(const Iterator& other) const { return index_ == other.index_; }
    std::size_t index() const { return index_; }

   private:
    const RuleList* list_;
    std::size_t index_;
  };

  RuleList() = default;
  RuleList(std::initializer_list<Rule> rules) : RuleList(rules.begin(), rules.end()) {}
  RuleList(const std::vector<Rule>& rules) // NOLINT(google-explicit-constructor): the same value
      : RuleList(rules.begin(), rules.end()) {}
  template <std::input_iterator Of>
  RuleList(Of begin, Of end) {
    append(begin, end);
  }

  std::size_t size() const { return packed_ ? packed_->ends.size() : 0; }
  bool empty() const { return size() == 0; }
  /// Const, so that nobody assigns to what is only a copy. Requires index < size().
  const Rule operator[](std::size_t index) const { // NOLINT(readability-const-return-type)
    return unpack(bytes(index));
  }
  const Rule at(std::size_t index) const; // NOLINT(readability-const-return-type): throws std::out_of_range
  const Rule front() const { return (*this)[0]; }         // NOLINT(readability-const-return-type)
  const Rule back() const { return (*this)[size() - 1]; } // NOLINT(readability-const-return-type)
  Iterator begin() const { return {this, 0}; }
  Iterator end() const { return {this, size()}; }

  /// As pack() makes them.
  std::string_view bytes(std::size_t index) const;
  /// Two lists with the same one are equal; others may be too.
  const void* identity() const { return packed_.get(); }

  void push_back(const Rule& rule);
  void push_back_bytes(std::string_view bytes);
  template <std::input_iterator Of>
  void append(Of begin, Of end) {
    for (; begin != end; ++begin)
      push_back(*begin);
  }
  void append(const RuleList& more);
  void append(const std::vector<Rule>& more) { append(more.begin(), more.end()); }
  void insert(Iterator before, const PackedRule& rule);
  void erase(Iterator at);
  /// Takes out all that are equal to `rule`; how many.
  std::size_t remove(const Rule& rule);
  void clear() { packed_.reset(); }
  /// For what is going to be appended.
  void reserve(std::size_t rules);
  /// Gives back what is left of that, for lists of which there are thousands; except for a large list, whose
  /// rest is memory that nobody has touched.
  void give_back_rest();

  bool operator==(const RuleList& other) const;
  bool operator==(const std::vector<Rule>& other) const { return *this == RuleList(other); }

 private:
  struct Packed {
    std::string bytes;
    std::vector<std::uint32_t> ends; ///< of each rule, in `bytes`
  };

  Packed& own();

  std::shared_ptr<Packed> packed_;
};

/// One rule: a place in a list, which it shares.
class PackedRule {
 public:
  PackedRule() : PackedRule(Rule()) {}
  PackedRule(const Rule& rule) : list_{rule} {} // NOLINT(google-explicit-constructor): the same value
  /// Requires index < list.size().
  PackedRule(RuleList list, std::size_t index) : list_(std::move(list)), index_(index) {}

  Rule rule() const { return list_[index_]; }
  std::string_view bytes() const { return list_.bytes(index_); }
  bool operator==(const PackedRule& other) const { return bytes() == other.bytes(); }

 private:
  RuleList list_;
  std::size_t index_ = 0;
};

} // namespace flowspec
