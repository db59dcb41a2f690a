// Raw texts as a key for the in-memory tables: in blocks of 32 bytes, so that hashing and comparing
// have no loop over bytes whose end the CPU must guess.
//
// Each text takes whole blocks: its bytes, zeros, and at the very end its size. So from the last
// block on it is certain where each text begins, and keys of as many texts are equal exactly when
// their blocks are.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "native/base/hash.h"

namespace mf {

/// 16 bytes that are loaded, masked and compared at once (a GNU extension of GCC and Clang).
using KeyHalf = uint64_t __attribute__((vector_size(16)));

struct alignas(32) KeyBlock {
  KeyHalf halves[2]{};
};

inline constexpr uint32_t kKeyBlockBytes = sizeof(KeyBlock);

inline KeyHalf load_half(const char* data) {
  KeyHalf half;
  std::memcpy(&half, data, sizeof half);
  return half;
}

/// Blocks that a text takes.
inline uint32_t key_blocks_of(uint32_t size) {
  constexpr uint32_t kSizeBytes = sizeof size;
  return (size + kSizeBytes + kKeyBlockBytes - 1) / kKeyBlockBytes;
}

/// Block number `index` of a text of `size` bytes that takes `count` blocks; `text` is where the
/// block begins, and all of it must be readable.
inline KeyBlock key_block(const char* text, uint32_t size, uint32_t index, uint32_t count) {
  // Read at an offset, this is a mask of the bytes that the block has of the text.
  static constexpr struct {
    uint64_t all[4] = {~0ULL, ~0ULL, ~0ULL, ~0ULL};
    uint64_t none[4] = {};
  } kMasks;
  const uint32_t begin = index * kKeyBlockBytes;
  const uint32_t left = size > begin ? size - begin : 0;
  const uint32_t taken = left < kKeyBlockBytes ? left : kKeyBlockBytes;
  const char* mask = reinterpret_cast<const char*>(&kMasks) + kKeyBlockBytes - taken;
  const uint64_t end = index + 1 == count ? static_cast<uint64_t>(size) << 32 : 0;
  return {{load_half(text) & load_half(mask),
           (load_half(text + 16) & load_half(mask + 16)) | KeyHalf{0, end}}};
}

/// Writes a text behind which two blocks are readable, and gives how many blocks it took. One block
/// more may be written.
inline uint32_t put_key_text(std::string_view padded, KeyBlock* out) {
  const char* text = padded.data();
  const auto size = static_cast<uint32_t>(padded.size());
  const uint32_t count = key_blocks_of(size);
  // Most texts take one block or two: no branch must guess which.
  out[0] = key_block(text, size, 0, count);
  out[1] = key_block(text + kKeyBlockBytes, size, 1, count);
  for (uint32_t i = 2; i < count; ++i) {
    out[i] = key_block(text + i * kKeyBlockBytes, size, i, count);
  }
  return count;
}

/// Appends any text.
inline void append_key_text(std::string_view text, std::vector<KeyBlock>& blocks) {
  const auto size = static_cast<uint32_t>(text.size());
  const size_t begin = blocks.size();
  blocks.resize(begin + key_blocks_of(size), KeyBlock{});
  if (size > 0) {
    std::memcpy(&blocks[begin], text.data(), size);
  }
  blocks.back().halves[1][1] |= static_cast<uint64_t>(size) << 32;
}

struct KeyView {
  const KeyBlock* blocks = nullptr;
  uint32_t count = 0;
};

inline uint64_t hash_key(KeyView key, const HashSeed& seed) {
  uint64_t one = seed.a;
  uint64_t other = seed.b ^ key.count;
  for (uint32_t i = 0; i < key.count; ++i) {
    // Two chains, so that a multiplication need not wait for the one before it.
    const KeyBlock& block = key.blocks[i];
    one = fold_multiply(block.halves[0][0] ^ seed.b, block.halves[0][1] ^ one);
    other = fold_multiply(block.halves[1][0] ^ seed.a, block.halves[1][1] ^ other);
  }
  return fold_multiply(one ^ 0xA0761D6478BD642FULL, other ^ seed.b);
}

inline bool equal_keys(const KeyBlock* left, KeyView right) {
  KeyHalf difference{};
  for (uint32_t i = 0; i < right.count; ++i) {
    const KeyBlock& block = right.blocks[i];
    difference |= (left[i].halves[0] ^ block.halves[0]) | (left[i].halves[1] ^ block.halves[1]);
  }
  return (difference[0] | difference[1]) == 0;
}

}  // namespace mf
