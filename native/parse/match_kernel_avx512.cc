// The shape match for AVX-512 with VBMI2, as Ice Lake, Zen 4 and later have it. There one
// instruction packs the positions that a mask names.
#if defined(__x86_64__)

// GCC 12 warns of its own header: an intrinsic without a mask passes an undefined register on.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#include "native/base/target.h"
#include "native/parse/match_kernel_sets.h"

namespace mf::avx512 {
namespace {

/// What load_classes loads; made by the compiler, outside of the region below.
struct Tables {
  /// 0, 1, 2, ...
  alignas(64) uint8_t offsets[64];
  /// By the low 7 bits of a byte: the byte itself if it is special, else another one. What is above
  /// 0x7F never equals its entry.
  alignas(64) uint8_t specials[128];
};

constexpr Tables make_tables() {
  Tables tables{};
  for (uint32_t i = 0; i < 64; ++i) {
    tables.offsets[i] = (uint8_t)i;
  }
  for (uint32_t byte = 0; byte < 128; ++byte) {
    const bool is_special = byte < 0x20 || byte == '"';
    tables.specials[byte] = (uint8_t)(is_special ? byte : byte ^ 1);
  }
  return tables;
}

constexpr Tables kTables = make_tables();

}  // namespace
}  // namespace mf::avx512

MF_TARGET_BEGIN("avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vbmi2,bmi,bmi2,lzcnt,popcnt")
namespace mf::avx512 {
namespace {

#define MF_KERNEL __attribute__((noinline))

typedef __m512i Block;
typedef __m512i Seen;
typedef __m256i Difference;

struct Classes {
  __m512i low;
  __m512i high;
  __m512i offsets;
};

struct Piece {
  __m256i bytes;
  __m256i mask;
};

MF_INLINE Classes load_classes() {
  return {_mm512_load_si512(kTables.specials), _mm512_load_si512(kTables.specials + 64),
          _mm512_load_si512(kTables.offsets)};
}
MF_INLINE Block load_block(const char* text) {
  return _mm512_loadu_si512(text);
}
MF_INLINE Seen nothing_seen() {
  return _mm512_setzero_si512();
}
MF_INLINE Seen see(Seen seen, Block first, Block second) {
  return _mm512_ternarylogic_epi64(seen, first, second, 0xFE);  // all three or'ed
}
MF_INLINE bool any_high(Seen seen) {
  return _mm512_movepi8_mask(seen) != 0;
}

MF_INLINE uint64_t special_mask(Block block, const Classes& classes) {
  return _mm512_cmpeq_epi8_mask(block, _mm512_permutex2var_epi8(classes.low, block, classes.high));
}
MF_INLINE bool has_backslash(Block first, Block second) {
  const __m512i backslash = _mm512_set1_epi8('\\');
  return (_mm512_cmpeq_epi8_mask(first, backslash) | _mm512_cmpeq_epi8_mask(second, backslash)) !=
         0;
}
MF_INLINE uint64_t either_byte(Block block, char one, char other) {
  return _mm512_cmpeq_epi8_mask(block, _mm512_set1_epi8(one)) |
         _mm512_cmpeq_epi8_mask(block, _mm512_set1_epi8(other));
}
/// Bytes that are `first` or one of the `count` - 1 after it.
MF_INLINE uint64_t in_range(Block block, char first, char count) {
  return _mm512_cmplt_epu8_mask(_mm512_sub_epi8(block, _mm512_set1_epi8(first)),
                                _mm512_set1_epi8(count));
}
MF_INLINE uint64_t hex_letters(Block block) {
  return in_range(_mm512_or_si512(block, _mm512_set1_epi8(0x20)), 'a', 6);
}
MF_INLINE uint64_t hex_mask(Block block) {
  return in_range(block, '0', 10) | hex_letters(block);
}
MF_INLINE uint64_t high_hex_mask(Block block) {
  return in_range(block, '8', 2) | hex_letters(block);
}

MF_INLINE void put_sixteen(uint16_t* out, __m128i offsets, __m256i base) {
  _mm256_storeu_si256((__m256i*)out, _mm256_add_epi16(_mm256_cvtepu8_epi16(offsets), base));
}
MF_INLINE uint16_t* put_positions(uint16_t* out, uint64_t mask, uint32_t at) {
  const __m512i found = _mm512_maskz_compress_epi8(mask, _mm512_load_si512(kTables.offsets));
  const __m256i base = _mm256_set1_epi16((short)at);
  const uint64_t count = (uint64_t)_mm_popcnt_u64(mask);
  put_sixteen(out, _mm512_castsi512_si128(found), base);
  if (__builtin_expect(count > 16, 0)) {
    put_sixteen(out + 16, _mm512_extracti32x4_epi32(found, 1), base);
    put_sixteen(out + 32, _mm512_extracti32x4_epi32(found, 2), base);
    put_sixteen(out + 48, _mm512_extracti32x4_epi32(found, 3), base);
  }
  return out + count;
}

MF_INLINE __m256i load_half(const void* text) {
  return _mm256_loadu_si256((const __m256i*)text);
}
MF_INLINE Piece load_piece(const ShapePiece* piece) {
  return {load_half(piece->bytes), load_half(piece->mask)};
}
MF_INLINE Difference no_difference() {
  return _mm256_setzero_si256();
}
MF_INLINE Difference differ(Difference difference, const char* text, Piece piece) {
  const __m256i bytes = _mm256_xor_si256(load_half(text), piece.bytes);
  return _mm256_ternarylogic_epi64(difference, bytes, piece.mask, 0xF8);  // |= bytes & mask
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

}  // namespace mf::avx512
MF_TARGET_END

#endif
