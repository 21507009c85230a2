// SPDX-License-Identifier: GPL-2.0-or-later
#include "injector/world/state_files.hpp"

#include "common/atomic_file.hpp"
#include "common/error.hpp"
#include "common/kernel_facts.hpp"

#include <fmt/format.h>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <string_view>
#include <utility>

namespace flowspec {

namespace {

namespace fs = std::filesystem;

/// A power cut ends the machine's run, and with it what the state says.
/// And whoever may write the directory goes on with it, after root did too.
/// Root does not follow what he may have put there.
constexpr WriteOptions as_state{.keep_owner = false, .durable = false, .mode = 0644, .follow_links = false};

/// Stands between what is shown and what is held; no text of FRR's has such a line.
constexpr std::string_view divider = "\n# held\n";

constexpr Family families[] = {Family::ipv4, Family::ipv6};

} // namespace

StateFiles::StateFiles(std::string directory, const std::string& chain)
    : directory_(std::move(directory)), origin_{boot_id(), network_id(), chain} {
  stem_ = fmt::format("{}/{}@{}", directory_, chain, origin_.network);
}

std::string StateFiles::suffix(Family family) {
  return fmt::format(".{}.routes", name(family));
}

void StateFiles::make_directory() const {
  std::error_code error;
  fs::create_directories(directory_, error);
  if (error)
    throw Error(fmt::format("make the directory {} for the state: {}", directory_, error.message()));
}

std::unique_ptr<FileLock> StateFiles::lock(std::chrono::milliseconds wait) const {
  make_directory();
  auto lock = std::make_unique<FileLock>(file(".lock"), wait, ": another injector of this chain", false);
  struct stat directory {};
  if (geteuid() == 0 && stat(directory_.c_str(), &directory) == 0)
    lock->give_to(directory.st_uid, directory.st_gid);
  remove_leftovers(file(".json"));
  for (const Family family : families)
    remove_leftovers(file(suffix(family)));
  return lock;
}

State StateFiles::load() const {
  const std::optional<std::string> text = read_existing_file(file(".json"));
  if (!text)
    return {};
  try {
    return parse_state(*text, origin_);
  } catch (const Damaged& error) {
    throw Damaged(fmt::format("{}: {}", file(".json"), error.what()));
  }
}

void StateFiles::load_texts(State& state) const {
  for (auto& [family, memory] : state.families) {
    std::string text = read_existing_file(file(suffix(family))).value_or("");
    const std::size_t end = text.find(divider);
    if (end != std::string::npos)
      memory.held_routes = text.substr(end + divider.size());
    text.resize(std::min(end, text.size()));
    memory.routes = std::move(text);
  }
}

StagedFile StateFiles::staged(Family family, const FamilyMemory& memory) const {
  const std::array parts{std::string_view(memory.routes), divider, std::string_view(memory.held_routes)};
  return {file(suffix(family)), parts, as_state};
}

void StateFiles::stage_texts(const State& state) {
  staged_.clear();
  make_directory();
  std::map<Family, StagedFile> texts;
  for (const auto& [family, memory] : state.families)
    texts.emplace(family, staged(family, memory));
  staged_ = std::move(texts);
}

void StateFiles::save(const State& state, bool texts) {
  make_directory();
  // The texts first: a state never speaks of texts that are not there yet.
  if (texts) {
    std::map<Family, StagedFile> written = std::exchange(staged_, {});
    for (const auto& [family, memory] : state.families)
      if (const auto found = written.find(family); found != written.end())
        found->second.take_place();
      else
        staged(family, memory).take_place();
  }
  write_file_if_changed(file(".json"), state_text(state, origin_), as_state);
}

std::vector<std::string> StateFiles::remove() const {
  std::vector<std::string> names{file(".json")};
  for (const Family family : families)
    names.push_back(file(suffix(family)));
  std::erase_if(names, [](const std::string& path) {
    std::error_code error;
    return !fs::exists(fs::symlink_status(path, error));
  });
  for (const std::string& path : names)
    remove_name(path);
  return names;
}

} // namespace flowspec
