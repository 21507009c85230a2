// SPDX-License-Identifier: GPL-2.0-or-later
//
// BIRD's configuration with one of its files replaced by a text that no file holds yet: a copy of all its
// files, for `bird -p` to read.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace flowspec {

/// Where a file of BIRD's configuration includes others.
struct BirdInclude {
  std::size_t offset = 0; ///< of the path or pattern in the text, behind its quote
  std::string path;

  bool operator==(const BirdInclude&) const = default;
};

/// The includes of a file, as BIRD's lexer finds them: at the beginning of a line, outside of comments and
/// quotes.
std::vector<BirdInclude> bird_includes(std::string_view text);

/// What a copy looks at; each throws Error when it cannot.
struct ConfigurationFiles {
  std::function<std::string(const std::string& path)> read_file;
  /// What matches, directories too, in the order of glob(3).
  std::function<std::vector<std::string>(const std::string& pattern)> glob;
  std::function<bool(const std::string& path)> is_directory;
  /// `path` without symbolic links and dots, as far as it exists.
  std::function<std::string(const std::string& path)> real_path;
};

struct CopiedFile {
  std::string name;     ///< in the directory of the copy
  std::string original; ///< the path by which BIRD comes to it
  std::string content;
};

/// The configuration whose first file is `main`, as it will be once `output` holds `text`: its first file,
/// then all that it includes, each as often as it is included. The includes among them name each other and
/// hold in any one directory; line numbers are those of the originals. Throws Error when a file cannot be
/// read, and when nothing includes `output`: then BIRD would not have looked at the text.
std::vector<CopiedFile> copy_bird_configuration(const std::string& main, const std::string& output,
                                                std::string_view text, const ConfigurationFiles& files);

/// `words` with the names of copies, as BIRD prints them, replaced by their originals.
std::string with_original_names(std::string words, const std::vector<CopiedFile>& copies);

} // namespace flowspec
