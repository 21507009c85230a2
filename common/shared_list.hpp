// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace flowspec {

/// A list that nobody changes any more: copies share it.
template <class T>
class SharedList {
 public:
  SharedList() = default;
  SharedList(std::vector<T> list) // NOLINT(google-explicit-constructor): the same value
      : list_(std::make_shared<const std::vector<T>>(std::move(list))) {}

  operator const std::vector<T>&() const { return all(); } // NOLINT(google-explicit-constructor)
  const std::vector<T>& all() const {
    static const std::vector<T> none;
    return list_ ? *list_ : none;
  }
  auto begin() const { return all().begin(); }
  auto end() const { return all().end(); }
  const T* data() const { return all().data(); }
  std::size_t size() const { return all().size(); }
  bool empty() const { return all().empty(); }
  const T& operator[](std::size_t index) const { return all()[index]; }
  bool operator==(const SharedList& other) const { return all() == other.all(); }

 private:
  std::shared_ptr<const std::vector<T>> list_;
};

} // namespace flowspec
