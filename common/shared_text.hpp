// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace flowspec {

/// A text, perhaps of many megabytes, that nobody changes any more: copies share it.
class SharedText {
 public:
  SharedText() = default;
  SharedText(std::string text) // NOLINT(google-explicit-constructor): the same value
      : text_(std::make_shared<const std::string>(std::move(text))) {}
  SharedText(const char* text) : SharedText(std::string(text)) {} // NOLINT(google-explicit-constructor)

  operator const std::string&() const { return all(); } // NOLINT(google-explicit-constructor)
  operator std::string_view() const { return all(); }   // NOLINT(google-explicit-constructor)
  const std::string& all() const {
    static const std::string none;
    return text_ ? *text_ : none;
  }
  bool empty() const { return all().empty(); }
  std::size_t size() const { return all().size(); }
  bool operator==(const SharedText& other) const { return all() == other.all(); }

 private:
  std::shared_ptr<const std::string> text_;
};

} // namespace flowspec
