// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/atomic_file.hpp"

#include "common/error.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <utility>

namespace flowspec {

namespace {

namespace fs = std::filesystem;

class File {
 public:
  explicit File(int fd) : fd_(fd) {}
  static File for_reading(const std::string& path) { return File(open(path.c_str(), O_RDONLY | O_CLOEXEC)); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (fd_ >= 0)
      ::close(fd_);
  }
  int get() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }
  /// False, with errno, when what was written did not arrive.
  bool close() { return ::close(std::exchange(fd_, -1)) == 0; }

 private:
  int fd_;
};

using Parts = std::span<const std::string_view>;

std::string read_all(int fd, const std::string& path) {
  std::string content;
  struct stat status {};
  if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0)
    content.reserve(static_cast<std::size_t>(status.st_size));
  std::array<char, 65536> buffer;
  for (;;) {
    const ssize_t got = read(fd, buffer.data(), buffer.size());
    if (got > 0)
      content.append(buffer.data(), static_cast<std::size_t>(got));
    else if (got == 0)
      return content;
    else if (errno != EINTR)
      throw Error(with_errno("read " + path, errno));
  }
}

bool write_all(int fd, std::string_view content) {
  while (!content.empty()) {
    const ssize_t put = write(fd, content.data(), content.size());
    if (put < 0 && errno != EINTR)
      return false;
    content.remove_prefix(put < 0 ? 0 : static_cast<std::size_t>(put));
  }
  return true;
}

/// The file that `path` stands for: symbolic links followed, the last of which may lead to a file that is not
/// there yet.
std::string resolved(fs::path path) {
  constexpr int most_links = 40; // as the kernel has it
  for (int links = 0; links <= most_links; ++links) {
    std::error_code error;
    const fs::path target = fs::read_symlink(path, error);
    if (error) // no link
      return path.string();
    path = target.is_absolute() ? target : path.parent_path() / target;
  }
  throw Error(with_errno("write " + path.string(), ELOOP));
}

std::string directory_of(const std::string& path) {
  const fs::path parent = fs::path(path).parent_path();
  return parent.empty() ? "." : parent.string();
}

/// The name of a file's successor: this, the process's number, and the end.
std::string successor_stem(const std::string& path) {
  return "." + fs::path(path).filename().string() + ".";
}
constexpr const char* successor_end = ".new";

std::string read_named(const std::string& path) {
  const File file = File::for_reading(path);
  if (!file.is_open())
    throw Error(with_errno("open " + path, errno));
  return read_all(file.get(), path);
}

/// Without the whole of a large file in memory.
bool holds(const std::string& path, std::size_t size, Parts parts) {
  std::size_t wanted = 0;
  for (const std::string_view part : parts)
    wanted += part.size();
  if (size != wanted)
    return false;
  const File file = File::for_reading(path);
  if (!file.is_open())
    throw Error(with_errno("open " + path, errno));
  std::array<char, 65536> buffer;
  for (std::string_view part : parts)
    while (!part.empty()) {
      const ssize_t got = read(file.get(), buffer.data(), std::min(buffer.size(), part.size()));
      if (got < 0 && errno == EINTR)
        continue;
      if (got < 0)
        throw Error(with_errno("read " + path, errno));
      const std::string_view there(buffer.data(), static_cast<std::size_t>(got));
      if (got == 0 || !part.starts_with(there))
        return false;
      part.remove_prefix(there.size());
    }
  return true;
}

/// What is known of a regular file; none when there is nothing of that name. Throws Error for anything else.
std::optional<struct stat> existing(const std::string& path, std::string_view attempt,
                                    bool follow_links = true) {
  struct stat status {};
  if ((follow_links ? stat : lstat)(path.c_str(), &status) != 0) {
    if (errno == ENOENT)
      return std::nullopt;
    throw Error(with_errno(fmt::format("{} {}", attempt, path), errno));
  }
  if (S_ISDIR(status.st_mode))
    throw Error(with_errno(fmt::format("{} {}", attempt, path), EISDIR));
  if (!S_ISREG(status.st_mode))
    throw Error(fmt::format("{} {}: not a regular file", attempt, path));
  return status;
}

} // namespace

std::string read_file(const std::string& path) {
  return path == "-" ? read_all(STDIN_FILENO, "standard input") : read_named(path);
}

std::optional<std::string> read_existing_file(const std::string& path) {
  if (!existing(path, "read"))
    return std::nullopt;
  return read_named(path);
}

bool write_file_if_changed(const std::filesystem::path& path, std::string_view content,
                           const WriteOptions& options) {
  return write_file_if_changed(path, Parts(&content, 1), options);
}

bool write_file_if_changed(const std::filesystem::path& path, Parts parts, const WriteOptions& options) {
  return StagedFile(path, parts, options).take_place();
}

/// A new file beside the one that it is going to replace; removed unless it took its place.
class StagedFile::Successor {
 public:
  Successor(const std::string& path, bool durable)
      : path_(path), name_(unused_name()), file_(create()), durable_(durable) {}
  Successor(const Successor&) = delete;
  Successor& operator=(const Successor&) = delete;
  ~Successor() {
    if (!placed_)
      unlink(name_.c_str());
  }

  void fill(Parts parts, const std::optional<struct stat>& old, const WriteOptions& options) {
    const bool keeps = old && options.keep_owner;
    if (keeps && (fchown(file_.get(), old->st_uid, old->st_gid) != 0 ||
                  fchmod(file_.get(), old->st_mode & 07777) != 0))
      fail("keep the owner and mode of");
    if (!keeps && options.mode && fchmod(file_.get(), *options.mode) != 0)
      fail("set the mode of");
    const auto written = [this](std::string_view part) { return write_all(file_.get(), part); };
    if (!std::all_of(parts.begin(), parts.end(), written) || (durable_ && fsync(file_.get()) != 0) ||
        !file_.close())
      fail("write");
  }

  void take_place() {
    if (rename(name_.c_str(), path_.c_str()) != 0)
      fail("replace");
    placed_ = true;
    // All that can fail from here on is that a power cut brings the old file back, whole.
    if (const File directory = File::for_reading(directory_of(path_)); durable_ && directory.is_open())
      fsync(directory.get());
  }

 private:
  [[noreturn]] void fail(const std::string& attempt) const {
    throw Error(with_errno(fmt::format("{} {}", attempt, path_), errno));
  }

  std::string unused_name() const {
    return fmt::format("{}/{}{}{}", directory_of(path_), successor_stem(path_), getpid(), successor_end);
  }

  /// With the mode of a new file: the kernel takes off what the umask says.
  int create() const {
    unlink(name_.c_str()); // of a process that had our number and was killed
    const int fd = open(name_.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
    if (fd < 0)
      fail("write");
    return fd;
  }

  std::string path_;
  std::string name_;
  File file_;
  bool durable_;
  bool placed_ = false;
};

StagedFile::StagedFile(const fs::path& path, Parts parts, const WriteOptions& options) {
  const std::string target = options.follow_links ? resolved(path) : path.string();
  const std::optional<struct stat> old = existing(target, "write", options.follow_links);
  if (old && holds(target, static_cast<std::size_t>(old->st_size), parts))
    return;
  successor_ = std::make_unique<Successor>(target, options.durable);
  successor_->fill(parts, old, options);
}

StagedFile::~StagedFile() = default;
StagedFile::StagedFile(StagedFile&&) noexcept = default;
StagedFile& StagedFile::operator=(StagedFile&&) noexcept = default;

bool StagedFile::take_place() {
  if (!successor_)
    return false;
  successor_->take_place();
  return true;
}

void remove_leftovers(const fs::path& path) {
  const std::string target = resolved(path);
  const std::string before = successor_stem(target), after = successor_end;
  const auto is_number = [](std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
  };
  std::error_code error; // what cannot be removed is only in the way of who looks for room
  for (fs::directory_iterator entry(directory_of(target), error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (name.size() > before.size() + after.size() && name.starts_with(before) && name.ends_with(after) &&
        is_number(std::string_view(name).substr(before.size(), name.size() - before.size() - after.size()))) {
      std::error_code ignored;
      fs::remove(entry->path(), ignored);
    }
  }
}

void remove_file(const std::string& path) {
  remove_name(resolved(path));
}

void remove_name(const std::string& path) {
  if (unlink(path.c_str()) != 0 && errno != ENOENT)
    throw Error(with_errno("remove " + path, errno));
}

} // namespace flowspec
