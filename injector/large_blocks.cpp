// SPDX-License-Identifier: GPL-2.0-or-later
//
// Where this program's memory comes from. 100,000 routes are some blocks of many megabytes; the kernel hands
// them out page by page, and a quarter of an unchanged pass went there. In large pages it takes a fraction of
// that.
#include <sys/mman.h>

#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

constexpr std::size_t large_page = 2U << 20;

void* large_block(std::size_t size) {
  const std::size_t whole = (size + large_page - 1) / large_page * large_page;
  void* const block = whole < size ? nullptr : std::aligned_alloc(large_page, whole);
  if (block != nullptr)
    madvise(block, whole, MADV_HUGEPAGE); // where it cannot be had: small pages
  return block;
}

} // namespace

void* operator new(std::size_t size) {
  void* const block = size < 2 * large_page ? std::malloc(size == 0 ? 1 : size) : large_block(size);
  if (block == nullptr)
    throw std::bad_alloc();
  return block;
}
void operator delete(void* block) noexcept {
  std::free(block);
}
void operator delete(void* block, std::size_t) noexcept {
  std::free(block);
}
