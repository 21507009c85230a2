// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>

namespace flowspec {

/// Blocks of a mebibyte and more are given back to the kernel as soon as they are freed. For the whole
/// process, but while there is a HeapRoom.
void give_back_large_blocks();

/// As long as it lives, what this thread allocates lies close together, and in large pages where the kernel
/// has them: for code that is not ours and makes 100,000 small blocks or some large ones, page by page.
/// Address space, no memory, is taken for so many bytes; what is allocated beyond them is no worse off than
/// without. What is freed meanwhile goes back to the kernel with malloc_trim(), or with what is freed later.
/// A few bytes are not worth it, and nothing is done for them. One at a time, and while no other thread
/// allocates much.
class HeapRoom {
 public:
  explicit HeapRoom(std::size_t bytes);
  ~HeapRoom();
  HeapRoom(const HeapRoom&) = delete;
  HeapRoom& operator=(const HeapRoom&) = delete;

 private:
  bool made_;
};

} // namespace flowspec
