// SPDX-License-Identifier: GPL-2.0-or-later
//
// A list for values of which there is mostly one: a hundred thousand routes hold several of these each.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace flowspec {

/// Like a std::vector, in 12 bytes. As many values as fit into a pointer's place stand there; more of them in
/// a block of their own, whose size is the next power of two.
template <class T>
class ShortList {
  static_assert(std::is_trivially_copyable_v<T> && alignof(T) <= alignof(T*));

 public:
  ShortList() = default;
  ShortList(std::span<const T> values) { assign(values); }
  ShortList(std::initializer_list<T> values) { assign({values.begin(), values.size()}); }
  ShortList(const std::vector<T>& values) { assign(values); }
  ShortList(const ShortList& other) { assign(other); }
  ShortList(ShortList&& other) noexcept : place_(other.place_), size_(std::exchange(other.size_, 0)) {}
  ShortList& operator=(const ShortList& other) {
    if (this != &other)
      *this = ShortList(other);
    return *this;
  }
  ShortList& operator=(ShortList&& other) noexcept {
    if (this != &other) {
      clear();
      place_ = other.place_;
      size_ = std::exchange(other.size_, 0);
    }
    return *this;
  }
  ~ShortList() { clear(); }

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T* data() { return is_here(size_) ? here() : there(); }
  const T* data() const { return is_here(size_) ? here() : there(); }
  T* begin() { return data(); }
  T* end() { return data() + size_; }
  const T* begin() const { return data(); }
  const T* end() const { return data() + size_; }
  T& operator[](std::size_t index) { return data()[index]; }
  const T& operator[](std::size_t index) const { return data()[index]; }
  const T& front() const { return data()[0]; }
  T& back() { return data()[size_ - 1]; }
  const T& back() const { return data()[size_ - 1]; }

  void push_back(T value) {
    // Full: in place, or at a power of two.
    if (!is_here(size_ + 1) && (is_here(size_) || std::has_single_bit(size_))) {
      T* const block = new T[std::bit_ceil(std::size_t{size_} + 1)];
      std::copy(begin(), end(), block);
      const std::uint32_t size = size_;
      clear();
      point_to(block);
      size_ = size;
    }
    ++size_;
    back() = value;
  }
  void pop_back() { erase(size_ - 1U); }
  void erase(std::size_t index) {
    std::vector<T> rest(begin(), end());
    rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(index));
    clear();
    assign(rest);
  }
  void clear() {
    if (!is_here(size_))
      delete[] there();
    size_ = 0;
  }

  bool operator==(const ShortList& other) const {
    return std::equal(begin(), end(), other.begin(), other.end());
  }

 private:
  static constexpr std::size_t in_place = sizeof(T*) / sizeof(T);
  static_assert(in_place > 0);

  static bool is_here(std::size_t size) { return size <= in_place; }
  T* here() { return reinterpret_cast<T*>(place_.bytes); }
  const T* here() const { return reinterpret_cast<const T*>(place_.bytes); }
  T* there() const {
    T* block = nullptr;
    std::memcpy(&block, place_.bytes, sizeof block);
    return block;
  }
  void point_to(T* block) { std::memcpy(place_.bytes, &block, sizeof block); }
  /// Requires that it is empty.
  void assign(std::span<const T> values) {
    if (!is_here(values.size()))
      point_to(new T[std::bit_ceil(values.size())]);
    size_ = static_cast<std::uint32_t>(values.size());
    std::copy(values.begin(), values.end(), data());
  }

  struct alignas(T*) Place {
    std::byte bytes[sizeof(T*)];
  };
  Place place_{}; ///< the values or, when they are more, where they are
  std::uint32_t size_ = 0;
};

} // namespace flowspec
