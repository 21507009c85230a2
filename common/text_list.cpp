// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/text_list.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <stdexcept>

namespace flowspec {

namespace {

/// A length is one octet; this one says that it stands in the four behind it.
constexpr unsigned char long_text = 0xff;

std::size_t length_octets(std::size_t length) {
  return length < long_text ? 1 : 1 + sizeof(std::uint32_t);
}

} // namespace

std::string_view TextList::Iterator::operator*() const {
  const auto octet = static_cast<unsigned char>(*at_);
  if (octet != long_text)
    return {at_ + 1, octet};
  std::uint32_t length = 0;
  std::memcpy(&length, at_ + 1, sizeof length);
  return {at_ + 1 + sizeof length, length};
}

TextList::Iterator& TextList::Iterator::operator++() {
  const std::string_view text = **this;
  at_ = text.data() + text.size();
  return *this;
}

TextList::TextList(std::initializer_list<std::string_view> texts) {
  for (const std::string_view text : texts)
    push_back(text);
}

TextList::TextList(const std::vector<std::string>& texts) {
  for (const std::string& text : texts)
    push_back(text);
}

TextList::TextList(const TextList& other) {
  if (other.empty())
    return;
  reserve(other.used());
  std::memcpy(block_.get() + sizeof(Sizes), other.block_.get() + sizeof(Sizes), other.used());
  const Sizes sizes{other.sizes().used, other.sizes().used};
  std::memcpy(block_.get(), &sizes, sizeof sizes);
}

TextList& TextList::operator=(const TextList& other) {
  if (this != &other)
    *this = TextList(other);
  return *this;
}

TextList::Sizes TextList::sizes() const {
  Sizes sizes;
  if (block_)
    std::memcpy(&sizes, block_.get(), sizeof sizes);
  return sizes;
}

std::size_t TextList::size() const {
  return static_cast<std::size_t>(std::distance(begin(), end()));
}

TextList::Iterator TextList::begin() const {
  return Iterator(block_ ? block_.get() + sizeof(Sizes) : nullptr);
}

TextList::Iterator TextList::end() const {
  return Iterator(block_ ? block_.get() + sizeof(Sizes) + used() : nullptr);
}

void TextList::reserve(std::size_t bytes) {
  Sizes now = sizes();
  if (bytes <= now.room)
    return;
  if (bytes > std::numeric_limits<std::uint32_t>::max())
    throw std::length_error("a list of more than 4 GiB of texts");
  std::unique_ptr<char[]> larger(new char[sizeof(Sizes) + bytes]); // not cleared
  if (block_)
    std::memcpy(larger.get() + sizeof(Sizes), block_.get() + sizeof(Sizes), now.used);
  now.room = static_cast<std::uint32_t>(bytes);
  std::memcpy(larger.get(), &now, sizeof now);
  block_ = std::move(larger);
}

void TextList::push_back(std::string_view text) {
  Sizes now = sizes();
  const std::size_t needed = now.used + length_octets(text.size()) + text.size();
  if (needed > now.room) {
    // A text of this very list would go with the block that is left.
    const std::string kept(text);
    reserve(std::max<std::size_t>(needed, std::min<std::size_t>(2 * std::size_t{now.room}, UINT32_MAX)));
    return push_back(kept);
  }
  char* at = block_.get() + sizeof(Sizes) + now.used;
  if (text.size() < long_text) {
    *at++ = static_cast<char>(text.size());
  } else {
    const auto length = static_cast<std::uint32_t>(text.size());
    *at++ = static_cast<char>(long_text);
    std::memcpy(at, &length, sizeof length);
    at += sizeof length;
  }
  if (!text.empty())
    std::memcpy(at, text.data(), text.size());
  now.used = static_cast<std::uint32_t>(needed);
  std::memcpy(block_.get(), &now.used, sizeof now.used);
}

bool TextList::operator==(const TextList& other) const {
  return used() == other.used() && (empty() || std::memcmp(block_.get() + sizeof(Sizes),
                                                           other.block_.get() + sizeof(Sizes), used()) == 0);
}

} // namespace flowspec
