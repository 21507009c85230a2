// SPDX-License-Identifier: GPL-2.0-or-later
//
// JSON that an operator wrote: nothing in it is passed over, and an error names the file, the path in the
// document and what was expected there.
#pragma once

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace flowspec {

/// One JSON value and white space. Throws UsageError when `text` is anything else, when an object has a key
/// twice, or when it nests deeper than a document of ours ever does; whatever the bytes.
nlohmann::json parse_strict(std::string_view text, const std::string& file);

/// A value of a document and where it stands there. The document and the file's name must live as long.
class JsonPlace {
 public:
  JsonPlace(const nlohmann::json& document, const std::string& file) : value_(&document), file_(&file) {}

  const nlohmann::json& value() const { return *value_; }
  const std::string& file() const { return *file_; }
  /// A JSON Pointer (RFC 6901): "/terms/2/match"; empty for the document.
  const std::string& path() const { return path_; }

  /// The member `key`, when this is an object that has one.
  std::optional<JsonPlace> find(const std::string& key) const;
  /// The member `key`, which has to be there. Requires an object.
  JsonPlace member(const std::string& key) const;
  /// The element `index`, counted from 0. Requires an array that is as long.
  JsonPlace element(std::size_t index) const;

  // Each of these throws UsageError when it is not so.

  /// An object with none but these keys.
  void only(std::initializer_list<std::string_view> keys) const;
  /// An array of one or more; the answer is how many.
  std::size_t list(std::string_view of_what) const;
  const std::string& text(std::string_view what) const;
  /// A number from `least` to `most`, without a fraction.
  std::uint64_t whole(std::uint64_t least, std::uint64_t most, std::string_view what) const;
  /// A number from `least` to `most`.
  double number(double least, double most, std::string_view what) const;

  /// Throws UsageError: "FILE: PATH: expected WHAT, found ...".
  [[noreturn]] void expected(std::string_view what) const;
  /// Throws UsageError: "FILE: PATH: WHY".
  [[noreturn]] void refuse(std::string_view why) const;

 private:
  JsonPlace(const nlohmann::json& value, const std::string& file, std::string path)
      : value_(&value), file_(&file), path_(std::move(path)) {}

  const nlohmann::json* value_;
  const std::string* file_;
  std::string path_;
};

} // namespace flowspec
