// The shape match for AVX2 with BMI2, as Haswell, Zen and later have it.
#if defined(__x86_64__)

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#include "native/base/target.h"
#include "native/parse/match_kernel_sets.h"

MF_TARGET_BEGIN("avx2,bmi,bmi2,popcnt")
namespace mf::avx2 {
namespace {

#define MF_KERNEL __attribute__((noinline))

typedef __m256i Seen;
typedef __m256i Difference;

struct Block {
  __m256i low;
  __m256i high;
};

struct Classes {
  __m256i quote;
  __m256i last_control;
};

struct Piece {
  __m256i bytes;
  __m256i mask;
};

MF_INLINE __m256i load_half(const void* text) {
  return _mm256_loadu_si256((const __m256i*)text);
}
MF_INLINE uint64_t mask_of(__m256i low, __m256i high) {
  return (uint32_t)_mm256_movemask_epi8(low) | (uint64_t)(uint32_t)_mm256_movemask_epi8(high) << 32;
}

MF_INLINE Classes load_classes() {
  return {_mm256_set1_epi8('"'), _mm256_set1_epi8(0x1F)};
}
MF_INLINE Block load_block(const char* text) {
  return {load_half(text), load_half(text + 32)};
}
MF_INLINE Seen nothing_seen() {
  return _mm256_setzero_si256();
}
MF_INLINE Seen see(Seen seen, Block first, Block second) {
  return _mm256_or_si256(_mm256_or_si256(seen, _mm256_or_si256(first.low, first.high)),
                         _mm256_or_si256(second.low, second.high));
}
MF_INLINE bool any_high(Seen seen) {
  return _mm256_movemask_epi8(seen) != 0;
}

MF_INLINE __m256i special_bytes(__m256i bytes, const Classes& classes) {
  const __m256i control = _mm256_cmpeq_epi8(_mm256_min_epu8(bytes, classes.last_control), bytes);
  const __m256i quote = _mm256_cmpeq_epi8(bytes, classes.quote);
  return _mm256_or_si256(control, quote);
}
MF_INLINE uint64_t special_mask(Block block, const Classes& classes) {
  return mask_of(special_bytes(block.low, classes), special_bytes(block.high, classes));
}
MF_INLINE bool has_backslash(Block first, Block second) {
  const __m256i backslash = _mm256_set1_epi8('\\');
  const __m256i found = _mm256_or_si256(_mm256_or_si256(_mm256_cmpeq_epi8(first.low, backslash),
                                                        _mm256_cmpeq_epi8(first.high, backslash)),
                                        _mm256_or_si256(_mm256_cmpeq_epi8(second.low, backslash),
                                                        _mm256_cmpeq_epi8(second.high, backslash)));
  return _mm256_movemask_epi8(found) != 0;
}
MF_INLINE uint64_t either_byte(Block block, char one, char other) {
  const __m256i a = _mm256_set1_epi8(one);
  const __m256i b = _mm256_set1_epi8(other);
  return mask_of(
      _mm256_or_si256(_mm256_cmpeq_epi8(block.low, a), _mm256_cmpeq_epi8(block.low, b)),
      _mm256_or_si256(_mm256_cmpeq_epi8(block.high, a), _mm256_cmpeq_epi8(block.high, b)));
}
/// Bytes that are `first` or one of the `count` - 1 after it.
MF_INLINE __m256i in_range(__m256i bytes, char first, char count) {
  const __m256i offset = _mm256_sub_epi8(bytes, _mm256_set1_epi8(first));
  return _mm256_cmpeq_epi8(_mm256_min_epu8(offset, _mm256_set1_epi8((char)(count - 1))), offset);
}
MF_INLINE uint64_t hex_from(Block block, char first, char count) {
  const __m256i lower = _mm256_set1_epi8(0x20);
  return mask_of(_mm256_or_si256(in_range(block.low, first, count),
                                 in_range(_mm256_or_si256(block.low, lower), 'a', 6)),
                 _mm256_or_si256(in_range(block.high, first, count),
                                 in_range(_mm256_or_si256(block.high, lower), 'a', 6)));
}
MF_INLINE uint64_t hex_mask(Block block) {
  return hex_from(block, '0', 10);
}
MF_INLINE uint64_t high_hex_mask(Block block) {
  return hex_from(block, '8', 2);
}

/// Bits one by one, eight without asking whether there are so many: most blocks have fewer.
MF_INLINE uint16_t* put_positions(uint16_t* out, uint64_t mask, uint32_t at) {
  const uint64_t count = (uint64_t)_mm_popcnt_u64(mask);
  uint32_t done = 0;
  do {
    for (uint32_t i = 0; i < 8; ++i) {
      out[done + i] = (uint16_t)(at + (uint32_t)_tzcnt_u64(mask));
      mask = _blsr_u64(mask);
    }
    done += 8;
  } while (__builtin_expect(done < count, 0));
  return out + count;
}

MF_INLINE Piece load_piece(const ShapePiece* piece) {
  return {load_half(piece->bytes), load_half(piece->mask)};
}
MF_INLINE Difference no_difference() {
  return _mm256_setzero_si256();
}
MF_INLINE Difference differ(Difference difference, const char* text, Piece piece) {
  const __m256i bytes = _mm256_xor_si256(load_half(text), piece.bytes);
  return _mm256_or_si256(difference, _mm256_and_si256(bytes, piece.mask));
}
MF_INLINE bool is_none(Difference difference) {
  return _mm256_testz_si256(difference, difference) != 0;
}
MF_INLINE bool same_sixteen(const char* text, const char* other) {
  const __m128i difference =
      _mm_xor_si128(_mm_loadu_si128((const __m128i*)text), _mm_loadu_si128((const __m128i*)other));
  return _mm_testz_si128(difference, difference) != 0;
}

/// The numbers that four words of eight digits mean; not 0 when some byte is above 9.
MF_INLINE uint64_t values_of(const uint64_t digits[4], uint64_t values[4]) {
  __m256i x = _mm256_set_epi64x((long long)digits[3], (long long)digits[2], (long long)digits[1],
                                (long long)digits[0]);
  const __m256i odd = _mm256_subs_epu8(x, _mm256_set1_epi8(9));
  x = _mm256_maddubs_epi16(x, _mm256_set1_epi16(0x010A));               // pairs of digits
  x = _mm256_madd_epi16(x, _mm256_set1_epi32(0x00010064));              // fours
  x = _mm256_add_epi64(_mm256_mul_epu32(x, _mm256_set1_epi64x(10000)),  // eights
                       _mm256_srli_epi64(x, 32));
  _mm256_storeu_si256((__m256i*)values, x);
  return _mm256_testz_si256(odd, odd) == 0;
}

#include "native/parse/match_kernel_body.h"

}  // namespace

const MatchKernel kMatchKernel = {index_specials, match_four, match_one};

}  // namespace mf::avx2
MF_TARGET_END

#endif
