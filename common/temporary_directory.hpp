// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace flowspec {

/// A new directory below $TMPDIR or /tmp that only we can look into, removed at the end with all that is in
/// it.
class TemporaryDirectory {
 public:
  /// Throws Error.
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::filesystem::path& path() const { return path_; }
  /// Makes the file `name` in it. Throws Error.
  void add(const std::string& name, std::string_view content) const;

 private:
  std::filesystem::path path_;
};

} // namespace flowspec
