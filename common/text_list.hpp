// SPDX-License-Identifier: GPL-2.0-or-later
//
// A list of short texts in a single block of memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace flowspec {

/// Texts of any bytes, in their order; equal when they are the same texts in the same order. Views of them
/// hold until the list changes.
class TextList {
 public:
  class Iterator {
   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = std::string_view;
    using difference_type = std::ptrdiff_t;
    using pointer = const std::string_view*;
    using reference = std::string_view;

    Iterator() = default;
    std::string_view operator*() const;
    Iterator& operator++();
    Iterator operator++(int) {
      const Iterator before = *this;
      ++*this;
      return before;
    }
    bool operator==(const Iterator&) const = default;

   private:
    friend class TextList;
    explicit Iterator(const char* at) : at_(at) {}
    const char* at_ = nullptr; ///< the length of the text, then the text
  };
  using const_iterator = Iterator;
  using value_type = std::string_view;

  TextList() = default;
  TextList(std::initializer_list<std::string_view> texts);
  TextList(const std::vector<std::string>& texts);
  TextList(const TextList& other);
  TextList(TextList&&) noexcept = default;
  TextList& operator=(const TextList& other);
  TextList& operator=(TextList&&) noexcept = default;
  ~TextList() = default;

  bool empty() const { return used() == 0; }
  std::size_t size() const; ///< counts them
  Iterator begin() const;
  Iterator end() const;
  std::string_view front() const { return *begin(); }

  void push_back(std::string_view text);
  /// Room for texts of together `bytes` characters and one more for each, in the one block.
  void reserve(std::size_t bytes);
  void clear() { block_.reset(); }

  bool operator==(const TextList& other) const;

 private:
  struct Sizes {
    std::uint32_t used = 0;
    std::uint32_t room = 0;
  };
  Sizes sizes() const;
  std::size_t used() const { return block_ ? sizes().used : 0; }

  std::unique_ptr<char[]> block_; ///< Sizes, then the texts, each behind its length; null when there is none
};

} // namespace flowspec
