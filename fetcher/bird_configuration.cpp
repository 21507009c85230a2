// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/bird_configuration.hpp"

#include "common/error.hpp"
#include "fetcher/bird_lexer.hpp"

#include <deque>
#include <filesystem>
#include <set>
#include <string_view>
#include <utility>

namespace flowspec {

namespace {

/// As deep as BIRD goes; the file that is given counts.
constexpr std::size_t deepest = 8;

class Reader {
 public:
  explicit Reader(const std::function<std::string(const std::string& path)>& read_file)
      : read_file_(read_file) {}

  BirdConfiguration read(std::span<const std::string> files) {
    for (const std::string& file : files)
      if (is_new(file))
        walk(file, read_file_(file), 1);
    return std::move(result_);
  }

 private:
  bool is_new(const std::string& path) {
    return seen_.insert(std::filesystem::path(path).lexically_normal()).second;
  }

  void walk(const std::string& file, std::string text, std::size_t depth) {
    const std::string& kept = texts_.emplace_back(std::move(text));
    const std::vector<BirdToken>& tokens = tokens_.emplace_back(bird_tokens(kept, file));
    read_statements(tokens, file, constants_,
                    {.route =
                         [&](BirdRoute route) {
                           result_.routes.push_back({file, std::move(route)});
                         },
                     .include =
                         [&](std::string_view path, std::size_t line) {
                           include({file, line, std::string(path), {}}, depth);
                         }});
  }

  void include(NotRead one, std::size_t depth) {
    if (one.include.find_first_of("*?[") != std::string::npos)
      return leave_out(std::move(one), "it is a pattern");
    if (depth == deepest)
      return leave_out(std::move(one), "BIRD goes no deeper");
    // The directory of the including file, unless the path is absolute.
    const std::string path = std::filesystem::path(one.file).parent_path() / one.include;
    if (!is_new(path))
      return;
    std::string text;
    try {
      text = read_file_(path);
    } catch (const Error& error) {
      return leave_out(std::move(one), error.what());
    }
    walk(path, std::move(text), depth + 1);
  }

  void leave_out(NotRead one, std::string reason) {
    one.reason = std::move(reason);
    result_.not_read.push_back(std::move(one));
  }

  const std::function<std::string(const std::string& path)>& read_file_;
  std::set<std::filesystem::path> seen_;
  std::deque<std::string> texts_;             // the tokens point into these
  std::deque<std::vector<BirdToken>> tokens_; // and the constants into these
  BirdConstants constants_;
  BirdConfiguration result_;
};

} // namespace

BirdConfiguration read_configuration(std::span<const std::string> files,
                                     const std::function<std::string(const std::string& path)>& read_file) {
  return Reader(read_file).read(files);
}

} // namespace flowspec
