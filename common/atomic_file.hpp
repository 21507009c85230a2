// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace flowspec {

/// The whole of a file, or of standard input for "-". Throws Error, naming the file and the cause.
std::string read_file(const std::string& path);

/// Makes `path` hold `content`, all of it or what it held before: written to a new file in the same
/// directory, synced, given the old one's owner and mode, and renamed over it. A file that holds it already
/// is not touched. Returns true when the file changed. Throws Error, naming the file and the cause; then the
/// old file is as it was.
bool write_file_if_changed(const std::filesystem::path& path, std::string_view content);

} // namespace flowspec
