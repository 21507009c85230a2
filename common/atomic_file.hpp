// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace flowspec {

/// The whole of a file, or of standard input for "-". Throws Error, naming the file and the cause.
std::string read_file(const std::string& path);

/// The whole of a file; none when it is not there. Throws Error, also for what is no regular file.
std::optional<std::string> read_existing_file(const std::string& path);

struct WriteOptions {
  bool keep_owner = true; ///< and mode, of the file that is replaced
  bool durable = true;    ///< as far as the disk does what it says, also over a power cut
  std::optional<unsigned> mode = std::nullopt; ///< of a file that keeps none; none: as the umask has it
  bool follow_links = true; ///< else a symbolic link is no regular file: its owner may be another than ours
};

/// Makes `path` hold `content`, all of it or what it held before: written to a new file in the same
/// directory, synced, given the old one's owner and mode, and renamed over it. A file that holds it already
/// is not touched. Returns true when the file changed. Throws Error, naming the file and the cause; then the
/// old file is as it was.
bool write_file_if_changed(const std::filesystem::path& path, std::string_view content,
                           const WriteOptions& options = {});

/// The same of `parts`, one behind the other.
bool write_file_if_changed(const std::filesystem::path& path, std::span<const std::string_view> parts,
                           const WriteOptions& options = {});

/// What write_file_if_changed() is going to put in place, written already.
class StagedFile {
 public:
  /// Throws Error.
  StagedFile(const std::filesystem::path& path, std::span<const std::string_view> parts,
             const WriteOptions& options = {});
  ~StagedFile(); ///< unless it took its place it is gone, and the old file is as it was
  StagedFile(StagedFile&&) noexcept;
  StagedFile& operator=(StagedFile&&) noexcept;

  /// Once. Returns true when the file changed. Throws Error.
  bool take_place();

 private:
  class Successor;
  std::unique_ptr<Successor> successor_; ///< null: the file already has this content
};

/// Removes what processes left that were killed while they replaced `path`. Requires that nobody is doing
/// that now.
void remove_leftovers(const std::filesystem::path& path);

/// Removes what write_file_if_changed made where there was no file: symbolic links on the way stay. Throws
/// Error.
void remove_file(const std::string& path);

/// Removes what is called so, a symbolic link too, and nothing else. Throws Error.
void remove_name(const std::string& path);

} // namespace flowspec
