// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/config_file.hpp"

#include "common/descriptor.hpp"
#include "common/error.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <istream>
#include <memory>
#include <set>
#include <utility>

namespace flowspec {

namespace {

/// The option that a key is for: CLI11 takes "--strict = true", too.
std::string option_of(const CLI::ConfigItem& item) {
  return item.name.starts_with("--") ? item.name : "--" + item.name;
}

/// Of keys with others between them CLI11 takes the first one; those that follow each other it has joined.
void refuse_twice(const std::vector<CLI::ConfigItem>& items) {
  std::set<std::string> seen;
  for (const CLI::ConfigItem& item : items) {
    const bool section = item.name == "++" || item.name == "--";
    if (!section && !seen.insert(option_of(item)).second)
      throw CLI::ConfigError(fmt::format("{} stands there twice", item.name));
  }
}

/// What CLI11 reads the file with. CLI11 itself takes a default file that it cannot read for none.
class ConfigFile : public CLI::ConfigTOML {
 public:
  ConfigFile(const CLI::App& app, std::string default_path, std::vector<SetAside> set_aside)
      : app_(app), default_path_(std::move(default_path)), set_aside_(std::move(set_aside)) {}

  std::vector<CLI::ConfigItem> from_config(std::istream& input) const override {
    std::vector<CLI::ConfigItem> found = CLI::ConfigTOML::from_config(input);
    if (input.bad())
      throw CLI::ConfigError("it cannot be read to its end");
    refuse_twice(found);
    std::erase_if(found, [this](const CLI::ConfigItem& item) { return is_set_aside(item); });
    was_read_ = true;
    return found;
  }

  const std::string& default_path() const { return default_path_; }
  bool was_read() const { return was_read_; }

 private:
  /// The whole command line has been read by now.
  bool is_set_aside(const CLI::ConfigItem& item) const {
    return std::ranges::any_of(set_aside_, [&](const SetAside& each) {
      const CLI::Option* const option = app_.get_option_no_throw(each.option);
      return option_of(item) == "--" + each.key && option != nullptr && option->count() > 0 &&
             (each.value.empty() || option->results().back() == each.value);
    });
  }

  const CLI::App& app_;
  std::string default_path_;
  std::vector<SetAside> set_aside_;
  mutable bool was_read_ = false;
};

/// Null: the command has no --config.
std::shared_ptr<const ConfigFile> config_file_of(const CLI::App& app) {
  return std::dynamic_pointer_cast<const ConfigFile>(app.get_config_formatter());
}

bool config_given(const CLI::App& app) {
  return app.get_config_ptr()->count() > 0;
}

std::string config_path(const CLI::App& app, const ConfigFile& file) {
  return config_given(app) ? app.get_config_ptr()->results().back() : file.default_path();
}

/// Not even a symbolic link to nowhere.
bool is_absent(const std::string& path) {
  struct stat status {};
  return lstat(path.c_str(), &status) != 0 && errno == ENOENT;
}

/// The errno of reading it; 0: it can be read.
int errno_of_reading(const std::string& path) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  char byte = 0;
  return file.open() && read(file.get(), &byte, 1) >= 0 ? 0 : errno;
}

[[noreturn]] void refuse_unread(const std::string& path) {
  if (path.empty())
    throw UsageError("--config: the name of a file is missing");
  const std::string attempt = fmt::format("the configuration file: read {}", path);
  const int code = errno_of_reading(path);
  throw UsageError(code == 0 ? attempt + ": it was changed meanwhile" : with_errno(attempt, code));
}

/// CLI11 would take the next word for the value of "--metrics-file=".
void refuse_empty_values(int argc, const char* const* argv) {
  for (int index = 1; index < argc; ++index) {
    const std::string word = argv[index];
    if (word == "--") // what follows are no options
      return;
    if (word.starts_with("--") && word.find('=') == word.size() - 1)
      throw UsageError(fmt::format("{}: the value is missing", word));
  }
}

} // namespace

void add_config_option(CLI::App& app, const std::string& default_path, std::vector<SetAside> set_aside) {
  app.set_config("--config", default_path, "Read options from a TOML file with the same names");
  app.allow_config_extras(CLI::config_extras_mode::error);
  app.config_formatter(std::make_shared<ConfigFile>(app, default_path, std::move(set_aside)));
}

void parse_words(CLI::App& app, int argc, const char* const* argv) {
  refuse_empty_values(argc, argv);
  const std::shared_ptr<const ConfigFile> file = config_file_of(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0)
      throw;
    if (file && dynamic_cast<const CLI::FileError*>(&error) != nullptr)
      refuse_unread(config_path(app, *file));
    const bool in_file = dynamic_cast<const CLI::ConfigError*>(&error) != nullptr;
    throw UsageError(in_file ? fmt::format("the configuration file: {}", error.what()) : error.what());
  }
  if (!file || file->was_read())
    return;
  const std::string path = config_path(app, *file);
  if (config_given(app) || !is_absent(path))
    refuse_unread(path);
}

std::optional<std::string> config_file_read(const CLI::App& app) {
  const std::shared_ptr<const ConfigFile> file = config_file_of(app);
  if (!file || !file->was_read())
    return std::nullopt;
  return config_path(app, *file);
}

} // namespace flowspec
