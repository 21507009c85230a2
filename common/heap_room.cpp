// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/heap_room.hpp"

#include <malloc.h>
#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>
#include <limits>

namespace flowspec {

namespace {

constexpr int large_block = 1 << 20;
constexpr int default_mmap_max = 65536;           // mallopt(3)
constexpr int default_trim_threshold = 128 << 10; // mallopt(3)
constexpr std::size_t large_page = 2U << 20;

} // namespace

void give_back_large_blocks() {
  mallopt(M_MMAP_THRESHOLD, large_block);
}

/// A block of the heap is freed again at once; its addresses stay the heap's next ones.
HeapRoom::HeapRoom(std::size_t bytes) : made_(bytes >= 2 * large_page) {
  if (!made_)
    return;
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
  void* const block = std::malloc(bytes);
  if (block == nullptr)
    return;
  const auto first = (reinterpret_cast<std::uintptr_t>(block) + large_page - 1) / large_page * large_page;
  const auto last = (reinterpret_cast<std::uintptr_t>(block) + bytes) / large_page * large_page;
  madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE); // where there are none: small pages
  std::free(block);
}

HeapRoom::~HeapRoom() {
  if (!made_)
    return;
  mallopt(M_MMAP_MAX, default_mmap_max);
  mallopt(M_TRIM_THRESHOLD, default_trim_threshold);
}

} // namespace flowspec
