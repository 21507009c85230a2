// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/atomic_file.hpp"
#include "common/error.hpp"

#include <catch2/catch.hpp>

#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>

using namespace flowspec;
namespace fs = std::filesystem;

namespace {

class Directory {
 public:
  Directory() : path_(fs::temp_directory_path() / ("atomic." + std::to_string(getpid()))) {
    fs::create_directory(path_);
  }
  ~Directory() { fs::remove_all(path_); }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  std::string operator/(const std::string& name) const { return path_ / name; }
  /// Names of all that is in it: nothing may be left behind.
  std::vector<std::string> names() const {
    std::vector<std::string> result;
    for (const auto& entry : fs::directory_iterator(path_))
      result.push_back(entry.path().filename());
    return result;
  }

 private:
  fs::path path_;
};

/// A file system with room for almost nothing, over a directory.
class SmallDisk {
 public:
  explicit SmallDisk(const std::string& path, const std::string& options = "size=64k") : path_(path) {
    fs::create_directory(path_);
    if (mount("none", path_.c_str(), "tmpfs", 0, options.c_str()) != 0)
      FAIL("this test needs root, to mount a file system");
  }
  ~SmallDisk() { umount2(path_.c_str(), MNT_DETACH); }
  void make_read_only() const {
    REQUIRE(mount("none", path_.c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr) == 0);
  }

 private:
  std::string path_;
};

struct stat status_of(const std::string& path) {
  struct stat status {};
  REQUIRE(stat(path.c_str(), &status) == 0);
  return status;
}

} // namespace

TEST_CASE("a file is written when its content changes and only then") {
  const Directory directory;
  const std::string file = directory / "bird.conf";
  CHECK(write_file_if_changed(file, "one"));
  CHECK(read_file(file) == "one");
  const auto inode = status_of(file).st_ino;
  CHECK_FALSE(write_file_if_changed(file, "one"));
  CHECK(status_of(file).st_ino == inode);
  CHECK(write_file_if_changed(file, ""));
  CHECK(read_file(file).empty());
  const std::string large(5'000'000, 'x');
  CHECK(write_file_if_changed(file, large));
  CHECK(read_file(file) == large);
  CHECK(directory.names() == std::vector<std::string>{"bird.conf"});
}

TEST_CASE("a new file has the usual mode, a changed one keeps owner and mode") {
  const Directory directory;
  const std::string file = directory / "bird.conf";
  const mode_t mask = umask(027);
  write_file_if_changed(file, "one");
  umask(mask);
  CHECK((status_of(file).st_mode & 07777) == 0640);

  REQUIRE(chown(file.c_str(), 12, 34) == 0);
  REQUIRE(chmod(file.c_str(), 0604) == 0);
  write_file_if_changed(file, "two");
  const struct stat status = status_of(file);
  CHECK((status.st_mode & 07777) == 0604);
  CHECK(status.st_uid == 12);
  CHECK(status.st_gid == 34);
}

TEST_CASE("a symbolic link stays one: what it leads to is written") {
  const Directory directory;
  fs::create_directory(directory / "real");
  fs::create_symlink("real/bird.conf", directory / "link");
  fs::create_symlink("link", directory / "link to it");
  CHECK(write_file_if_changed(directory / "link to it", "one")); // not there yet
  CHECK(write_file_if_changed(directory / "link", "two"));
  CHECK(fs::is_symlink(directory / "link"));
  CHECK(read_file(directory / "real/bird.conf") == "two");

  fs::create_symlink("circle", directory / "circle");
  CHECK_THROWS_WITH(write_file_if_changed(directory / "circle", "x"),
                    Catch::EndsWith("Too many levels of symbolic links"));
}

TEST_CASE("what is no regular file is refused") {
  const Directory directory;
  CHECK_THROWS_WITH(write_file_if_changed(directory / "", "x"), Catch::EndsWith("Is a directory"));
  CHECK_THROWS_WITH(write_file_if_changed("/dev/null", "x"),
                    Catch::Equals("write /dev/null: not a regular file"));
  CHECK_THROWS_WITH(write_file_if_changed(directory / "none/bird.conf", "x"),
                    Catch::EndsWith("none/bird.conf: No such file or directory"));
  CHECK_THROWS_WITH(read_file(directory / "none"), Catch::EndsWith("none: No such file or directory"));
  CHECK_THROWS_WITH(read_file(directory / ""), Catch::EndsWith("Is a directory"));
}

TEST_CASE("a file that may be there is read when it is") {
  const Directory directory;
  const std::string file = directory / "bird.conf";
  CHECK(read_existing_file(file) == std::nullopt);
  CHECK(read_existing_file(directory / "none/bird.conf") == std::nullopt);
  write_file_if_changed(file, "");
  CHECK(read_existing_file(file) == "");
  CHECK_THROWS_WITH(read_existing_file(directory / ""), Catch::EndsWith("Is a directory"));
  CHECK_THROWS_WITH(read_existing_file(file + "/below"), Catch::EndsWith("Not a directory"));
  REQUIRE(mkfifo((directory / "fifo").c_str(), 0600) == 0);
  CHECK_THROWS_WITH(read_existing_file(directory / "fifo"), Catch::EndsWith("fifo: not a regular file"));
}

TEST_CASE("a file that was made through a link is removed, and the link stays") {
  const Directory directory;
  fs::create_symlink("bird.conf", directory / "link");
  CHECK(read_existing_file(directory / "link") == std::nullopt);
  write_file_if_changed(directory / "link", "one");
  remove_file(directory / "link");
  CHECK(directory.names() == std::vector<std::string>{"link"});
  CHECK_NOTHROW(remove_file(directory / "link"));
  CHECK_THROWS_AS(remove_file(directory / ""), Error);
}

TEST_CASE("a write that fails leaves the old file and nothing else") {
  const Directory directory;
  const SmallDisk disk(directory / "disk");
  const std::string file = directory / "disk/bird.conf";
  write_file_if_changed(file, "old");
  SECTION("disk full") {
    CHECK_THROWS_WITH(write_file_if_changed(file, std::string(200'000, 'x')),
                      Catch::Equals("write " + file + ": No space left on device"));
  }
  SECTION("read-only") {
    disk.make_read_only();
    CHECK_THROWS_WITH(write_file_if_changed(file, "new"),
                      Catch::Equals("write " + file + ": Read-only file system"));
  }
  CHECK(read_file(file) == "old");
  CHECK(std::distance(fs::directory_iterator(directory / "disk"), fs::directory_iterator()) == 1);
}

TEST_CASE("a file that is written already takes its place, or leaves nothing behind") {
  const Directory directory;
  const std::string file = directory / "routes";
  write_file_if_changed(file, "old");
  const std::array<std::string_view, 2> parts{"n", "ew"};
  {
    StagedFile staged(file, parts);
    CHECK(read_file(file) == "old");
    StagedFile moved = std::move(staged);
    CHECK(moved.take_place());
    CHECK(read_file(file) == "new");
  }
  CHECK(read_file(file) == "new");
  {
    const StagedFile staged(directory / "other", parts);
    CHECK(directory.names().size() == 2);
  }
  CHECK(directory.names() == std::vector<std::string>{"routes"});
  const auto inode = status_of(file).st_ino;
  CHECK_FALSE(StagedFile(file, parts).take_place());
  CHECK(status_of(file).st_ino == inode);
}

TEST_CASE("what killed processes left of a file is removed, and nothing else") {
  const Directory directory;
  const std::vector<std::string> others{".routes.x.new", ".routes..new",  ".routes.new", "routes.1.new",
                                        ".other.1.new",  ".routes.1.old", "routes"};
  for (const std::string& name : others)
    std::ofstream(directory / name) << "theirs";
  for (const char* name : {".routes.1.new", ".routes.4194304.new"})
    std::ofstream(directory / name) << "ours";
  remove_leftovers(directory / "routes");
  const auto sorted = [](std::vector<std::string> names) {
    std::sort(names.begin(), names.end());
    return names;
  };
  CHECK(sorted(directory.names()) == sorted(others));
  CHECK_NOTHROW(remove_leftovers(directory / "no/such/file"));
}

TEST_CASE("a file that cannot take its place is an error, and what was there stays") {
  const Directory directory;
  const std::string file = directory / "routes";
  StagedFile staged(file, std::array<std::string_view, 1>{"new"});
  fs::create_directories(file + "/in the way");
  CHECK_THROWS_AS(staged.take_place(), Error);
  CHECK(fs::exists(file + "/in the way"));
}
