// The shape match for NEON, which every 64-bit ARM CPU has.
#if defined(__aarch64__)

#include <arm_neon.h>
#include <stdint.h>
#include <string.h>

#include "native/base/target.h"
#include "native/parse/match_kernel_sets.h"

namespace mf::neon {
namespace {

#define MF_KERNEL __attribute__((noinline))

typedef uint8x16_t Seen;
typedef uint8x16_t Difference;

struct Block {
  uint8x16_t part[4];
};

struct Classes {
  uint8x16_t quote;
  uint8x16_t first_plain;
};

struct Piece {
  uint8x16_t bytes[2];
  uint8x16_t mask[2];
};

MF_INLINE uint8x16_t load_part(const void* text) {
  return vld1q_u8((const uint8_t*)text);
}

/// One bit a byte: NEON has no instruction for it. Each byte keeps the bit of its place among
/// eight, and three times neighbours are added.
MF_INLINE uint64_t mask_of(uint8x16_t a, uint8x16_t b, uint8x16_t c, uint8x16_t d) {
  const uint8x16_t bits = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
  const uint8x16_t low = vpaddq_u8(vandq_u8(a, bits), vandq_u8(b, bits));
  const uint8x16_t high = vpaddq_u8(vandq_u8(c, bits), vandq_u8(d, bits));
  const uint8x16_t all = vpaddq_u8(low, high);
  return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(all, all)), 0);
}

MF_INLINE Classes load_classes() {
  return {vdupq_n_u8('"'), vdupq_n_u8(0x20)};
}
MF_INLINE Block load_block(const char* text) {
  return {{load_part(text), load_part(text + 16), load_part(text + 32), load_part(text + 48)}};
}
MF_INLINE Seen nothing_seen() {
  return vdupq_n_u8(0);
}
MF_INLINE uint8x16_t any_of(Block block) {
  return vorrq_u8(vorrq_u8(block.part[0], block.part[1]), vorrq_u8(block.part[2], block.part[3]));
}
MF_INLINE Seen see(Seen seen, Block first, Block second) {
  return vorrq_u8(seen, vorrq_u8(any_of(first), any_of(second)));
}
MF_INLINE bool any_high(Seen seen) {
  return vmaxvq_u8(seen) >= 0x80;
}

MF_INLINE uint8x16_t special_bytes(uint8x16_t bytes, const Classes& classes) {
  return vorrq_u8(vcltq_u8(bytes, classes.first_plain), vceqq_u8(bytes, classes.quote));
}
MF_INLINE uint64_t special_mask(Block block, const Classes& classes) {
  return mask_of(special_bytes(block.part[0], classes), special_bytes(block.part[1], classes),
                 special_bytes(block.part[2], classes), special_bytes(block.part[3], classes));
}
MF_INLINE bool has_backslash(Block first, Block second) {
  const uint8x16_t backslash = vdupq_n_u8('\\');
  uint8x16_t found = vdupq_n_u8(0);
  for (uint32_t i = 0; i < 4; ++i) {
    found = vorrq_u8(
        found, vorrq_u8(vceqq_u8(first.part[i], backslash), vceqq_u8(second.part[i], backslash)));
  }
  return vmaxvq_u8(found) != 0;
}
MF_INLINE uint8x16_t either(uint8x16_t bytes, uint8x16_t one, uint8x16_t other) {
  return vorrq_u8(vceqq_u8(bytes, one), vceqq_u8(bytes, other));
}
MF_INLINE uint64_t either_byte(Block block, char one, char other) {
  const uint8x16_t a = vdupq_n_u8((uint8_t)one);
  const uint8x16_t b = vdupq_n_u8((uint8_t)other);
  return mask_of(either(block.part[0], a, b), either(block.part[1], a, b),
                 either(block.part[2], a, b), either(block.part[3], a, b));
}
/// Bytes that are `first` or one of the `count` - 1 after it.
MF_INLINE uint8x16_t in_range(uint8x16_t bytes, uint8_t first, uint8_t count) {
  return vcltq_u8(vsubq_u8(bytes, vdupq_n_u8(first)), vdupq_n_u8(count));
}
MF_INLINE uint8x16_t hex_bytes(uint8x16_t bytes, uint8_t first, uint8_t count) {
  return vorrq_u8(in_range(bytes, first, count),
                  in_range(vorrq_u8(bytes, vdupq_n_u8(0x20)), 'a', 6));
}
MF_INLINE uint64_t hex_from(Block block, uint8_t first, uint8_t count) {
  return mask_of(hex_bytes(block.part[0], first, count), hex_bytes(block.part[1], first, count),
                 hex_bytes(block.part[2], first, count), hex_bytes(block.part[3], first, count));
}
MF_INLINE uint64_t hex_mask(Block block) {
  return hex_from(block, '0', 10);
}
MF_INLINE uint64_t high_hex_mask(Block block) {
  return hex_from(block, '8', 2);
}

#include "native/parse/match_kernel_scalar.h"

MF_INLINE Piece load_piece(const ShapePiece* piece) {
  return {{load_part(piece->bytes), load_part(piece->bytes + 16)},
          {load_part(piece->mask), load_part(piece->mask + 16)}};
}
MF_INLINE Difference no_difference() {
  return vdupq_n_u8(0);
}
MF_INLINE Difference differ(Difference difference, const char* text, Piece piece) {
  const uint8x16_t low = vandq_u8(veorq_u8(load_part(text), piece.bytes[0]), piece.mask[0]);
  const uint8x16_t high = vandq_u8(veorq_u8(load_part(text + 16), piece.bytes[1]), piece.mask[1]);
  return vorrq_u8(difference, vorrq_u8(low, high));
}
MF_INLINE bool is_none(Difference difference) {
  return vmaxvq_u8(difference) == 0;
}
MF_INLINE bool same_sixteen(const char* text, const char* other) {
  return is_none(veorq_u8(load_part(text), load_part(other)));
}

#include "native/parse/match_kernel_body.h"

}  // namespace

const MatchKernel kMatchKernel = {index_specials, match_four, match_one};

}  // namespace mf::neon

#endif
