// The shape match for SSE2, which every x86-64 CPU has.
#if defined(__x86_64__)

#include <emmintrin.h>
#include <stdint.h>
#include <string.h>

#include "native/base/target.h"
#include "native/parse/match_kernel_sets.h"

MF_TARGET_BEGIN("sse2")
namespace mf::sse2 {
namespace {

#define MF_KERNEL __attribute__((noinline))

typedef __m128i Seen;
typedef __m128i Difference;

struct Block {
  __m128i part[4];
};

struct Classes {
  __m128i quote;
  __m128i last_control;
};

struct Piece {
  __m128i bytes[2];
  __m128i mask[2];
};

MF_INLINE __m128i load_part(const void* text) {
  return _mm_loadu_si128((const __m128i*)text);
}
MF_INLINE uint64_t mask_of(__m128i a, __m128i b, __m128i c, __m128i d) {
  const uint64_t low = (uint32_t)(_mm_movemask_epi8(a) | _mm_movemask_epi8(b) << 16);
  const uint64_t high = (uint32_t)(_mm_movemask_epi8(c) | _mm_movemask_epi8(d) << 16);
  return low | high << 32;
}

MF_INLINE Classes load_classes() {
  return {_mm_set1_epi8('"'), _mm_set1_epi8(0x1F)};
}
MF_INLINE Block load_block(const char* text) {
  return {{load_part(text), load_part(text + 16), load_part(text + 32), load_part(text + 48)}};
}
MF_INLINE Seen nothing_seen() {
  return _mm_setzero_si128();
}
MF_INLINE __m128i any_of(Block block) {
  return _mm_or_si128(_mm_or_si128(block.part[0], block.part[1]),
                      _mm_or_si128(block.part[2], block.part[3]));
}
MF_INLINE Seen see(Seen seen, Block first, Block second) {
  return _mm_or_si128(seen, _mm_or_si128(any_of(first), any_of(second)));
}
MF_INLINE bool any_high(Seen seen) {
  return _mm_movemask_epi8(seen) != 0;
}

MF_INLINE __m128i special_bytes(__m128i bytes, const Classes& classes) {
  const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, classes.last_control), bytes);
  const __m128i quote = _mm_cmpeq_epi8(bytes, classes.quote);
  return _mm_or_si128(control, quote);
}
MF_INLINE uint64_t special_mask(Block block, const Classes& classes) {
  return mask_of(special_bytes(block.part[0], classes), special_bytes(block.part[1], classes),
                 special_bytes(block.part[2], classes), special_bytes(block.part[3], classes));
}
MF_INLINE bool has_backslash(Block first, Block second) {
  const __m128i backslash = _mm_set1_epi8('\\');
  __m128i found = _mm_setzero_si128();
  for (uint32_t i = 0; i < 4; ++i) {
    found = _mm_or_si128(found, _mm_or_si128(_mm_cmpeq_epi8(first.part[i], backslash),
                                             _mm_cmpeq_epi8(second.part[i], backslash)));
  }
  return _mm_movemask_epi8(found) != 0;
}
MF_INLINE __m128i either(__m128i bytes, __m128i one, __m128i other) {
  return _mm_or_si128(_mm_cmpeq_epi8(bytes, one), _mm_cmpeq_epi8(bytes, other));
}
MF_INLINE uint64_t either_byte(Block block, char one, char other) {
  const __m128i a = _mm_set1_epi8(one);
  const __m128i b = _mm_set1_epi8(other);
  return mask_of(either(block.part[0], a, b), either(block.part[1], a, b),
                 either(block.part[2], a, b), either(block.part[3], a, b));
}
/// Bytes that are `first` or one of the `count` - 1 after it.
MF_INLINE __m128i in_range(__m128i bytes, char first, char count) {
  const __m128i offset = _mm_sub_epi8(bytes, _mm_set1_epi8(first));
  return _mm_cmpeq_epi8(_mm_min_epu8(offset, _mm_set1_epi8((char)(count - 1))), offset);
}
MF_INLINE __m128i hex_bytes(__m128i bytes, char first, char count) {
  const __m128i lower = _mm_or_si128(bytes, _mm_set1_epi8(0x20));
  return _mm_or_si128(in_range(bytes, first, count), in_range(lower, 'a', 6));
}
MF_INLINE uint64_t hex_from(Block block, char first, char count) {
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
  return _mm_setzero_si128();
}
MF_INLINE Difference differ(Difference difference, const char* text, Piece piece) {
  const __m128i low = _mm_and_si128(_mm_xor_si128(load_part(text), piece.bytes[0]), piece.mask[0]);
  const __m128i high =
      _mm_and_si128(_mm_xor_si128(load_part(text + 16), piece.bytes[1]), piece.mask[1]);
  return _mm_or_si128(difference, _mm_or_si128(low, high));
}
MF_INLINE bool is_none(Difference difference) {
  return _mm_movemask_epi8(_mm_cmpeq_epi8(difference, _mm_setzero_si128())) == 0xFFFF;
}
MF_INLINE bool same_sixteen(const char* text, const char* other) {
  return is_none(_mm_xor_si128(load_part(text), load_part(other)));
}

#include "native/parse/match_kernel_body.h"

}  // namespace

const MatchKernel kMatchKernel = {index_specials, match_four, match_one};

}  // namespace mf::sse2
MF_TARGET_END

#endif
