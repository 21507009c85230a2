// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/bird_copy.hpp"

#include "common/error.hpp"

#include <fmt/format.h>

#include <fnmatch.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>

namespace flowspec {

namespace {

namespace fs = std::filesystem;

/// As BIRD has it; the first file is at 1.
constexpr std::size_t deepest_include = 8;
constexpr std::size_t most_files = 10'000;

bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

std::size_t skip_blanks(std::string_view text, std::size_t at) {
  while (at < text.size() && is_blank(text[at]))
    ++at;
  return at;
}

/// The include that the line at `start` begins with, if any: ` include "path" ;`.
std::optional<BirdInclude> include_at(std::string_view text, std::size_t start) {
  constexpr std::string_view word = "include";
  const std::size_t at = skip_blanks(text, start);
  if (!text.substr(at).starts_with(word))
    return std::nullopt;
  const std::size_t quote = skip_blanks(text, at + word.size());
  if (quote >= text.size() || text[quote] != '"')
    return std::nullopt;
  const std::size_t end = text.find_first_of("\"\n", quote + 1);
  if (end == std::string_view::npos || text[end] != '"' || end == quote + 1)
    return std::nullopt; // BIRD says what it thinks of it
  const std::size_t semicolon = skip_blanks(text, end + 1);
  if (semicolon >= text.size() || text[semicolon] != ';')
    return std::nullopt;
  return BirdInclude{quote + 1, std::string(text.substr(quote + 1, end - quote - 1))};
}

bool has_wildcards(const std::string& path) {
  return path.find_first_of("?*[") != std::string::npos;
}

std::string directory_of(const std::string& path) {
  const std::string parent = fs::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

class Copier {
 public:
  Copier(const std::string& output, std::string_view text, const ConfigurationFiles& files)
      : output_(files.real_path(output)), text_(text), files_(files) {}

  std::vector<CopiedFile> copy(const std::string& main) {
    copy_file("bird.conf", main, 1);
    return std::move(copies_);
  }
  bool came_to_output() const { return came_to_output_; }

 private:
  void copy_file(const std::string& name, const std::string& path, std::size_t depth) {
    if (copies_.size() >= most_files)
      throw Error(fmt::format("{}: BIRD's configuration takes more than {} files", path, most_files));
    const std::size_t place = copies_.size();
    copies_.push_back({name, path, content_of(path)});
    // By value: copies_ grows meanwhile.
    const std::string content = copies_[place].content;
    std::string copied;
    std::size_t done = 0;
    for (const BirdInclude& include : bird_includes(content)) {
      if (depth >= deepest_include)
        throw Error(
            fmt::format("{}: includes of BIRD's configuration are more than {} deep", path, deepest_include));
      copied.append(content, done, include.offset - done);
      copied += copy_included(include.path, path, depth + 1);
      done = include.offset + include.path.size();
    }
    copied.append(content, done);
    copies_[place].content = std::move(copied);
  }

  /// Returns the path or pattern that stands for `path` in the copy.
  std::string copy_included(const std::string& path, const std::string& from, std::size_t depth) {
    const std::size_t include = ++includes_;
    const std::string whole = path.starts_with('/') ? path : directory_of(from) + '/' + path;
    if (!has_wildcards(path)) {
      std::string name = fmt::format("file-{:06}", include);
      copy_file(name, whole, depth);
      return name;
    }
    std::size_t number = 0; // with its zeros in front: glob(3) sorts by name
    for (const std::string& match : matches(whole))
      copy_file(fmt::format("match-{:06}-{:06}", include, ++number), match, depth);
    return fmt::format("match-{:06}-*", include);
  }

  std::string content_of(const std::string& path) {
    if (files_.real_path(path) != output_)
      return files_.read_file(path);
    came_to_output_ = true;
    return text_;
  }

  /// The files that BIRD would include for `pattern`, with the output even if it is not there yet.
  std::vector<std::string> matches(const std::string& pattern) const {
    std::vector<std::string> found = files_.glob(pattern);
    const auto is_output = [this](const std::string& path) { return files_.real_path(path) == output_; };
    if (std::ranges::none_of(found, is_output)) {
      const std::string name = fs::path(output_).filename().string();
      if (fnmatch(fs::path(pattern).filename().c_str(), name.c_str(), FNM_NOESCAPE | FNM_PERIOD) == 0)
        for (const std::string& directory : directories(directory_of(pattern)))
          if (const std::string path = fmt::format("{}/{}", directory, name); is_output(path))
            found.insert(std::ranges::upper_bound(found, path), path);
    }
    std::erase_if(found, [this](const std::string& path) { return files_.is_directory(path); });
    return found;
  }

  std::vector<std::string> directories(const std::string& pattern) const {
    return has_wildcards(pattern) ? files_.glob(pattern) : std::vector{pattern};
  }

  std::string output_; ///< its real path
  std::string text_;
  const ConfigurationFiles& files_;
  std::vector<CopiedFile> copies_;
  std::size_t includes_ = 0;
  bool came_to_output_ = false;
};

} // namespace

std::vector<BirdInclude> bird_includes(std::string_view text) {
  std::vector<BirdInclude> includes;
  bool line_begins = true;
  for (std::size_t at = 0; at < text.size();) {
    if (line_begins) {
      if (auto include = include_at(text, at)) {
        at = include->offset + include->path.size() + 1;
        includes.push_back(std::move(*include));
        line_begins = false;
        continue;
      }
    }
    line_begins = text[at] == '\n';
    std::size_t end = at + 1;
    if (text[at] == '#') {
      end = text.find('\n', at);
    } else if (text[at] == '"' || text[at] == '\'') {
      end = text.find_first_of(std::string{text[at], '\n'}, at + 1);
      end = end == std::string_view::npos || text[end] == '\n' ? end : end + 1;
    } else if (text.substr(at).starts_with("/*")) {
      end = text.find("*/", at + 2);
      end = end == std::string_view::npos ? end : end + 2;
    }
    at = std::min(end, text.size());
  }
  return includes;
}

std::vector<CopiedFile> copy_bird_configuration(const std::string& main, const std::string& output,
                                                std::string_view text, const ConfigurationFiles& files) {
  Copier copier(output, text, files);
  std::vector<CopiedFile> copies = copier.copy(main);
  if (!copier.came_to_output())
    throw Error(fmt::format("{} does not include {}: BIRD would not look at it", main, output));
  return copies;
}

std::string with_original_names(std::string words, const std::vector<CopiedFile>& copies) {
  for (const CopiedFile& copy : copies)
    for (std::size_t at = 0; (at = words.find(copy.name + ':', at)) != std::string::npos;) {
      words.replace(at, copy.name.size(), copy.original);
      at += copy.original.size();
    }
  return words;
}

} // namespace flowspec
