// CPUs have an instruction for this checksum: 8 bytes in 3 cycles, eight times as fast as tables.
// Binaries are built for any CPU of their kind, so whether it is there is asked at run time.
#include "native/base/crc32c.h"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#elif defined(__aarch64__)
#include <arm_acle.h>
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace mf {
namespace {

// Slicing by 8: table k is what a byte does when k more bytes follow it.
using Tables = std::array<std::array<uint32_t, 256>, 8>;

constexpr Tables make_tables() {
  constexpr uint32_t kReversedPolynomial = 0x82F63B78;
  Tables tables{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc & 1) != 0 ? (crc >> 1) ^ kReversedPolynomial : crc >> 1;
    }
    tables[0][byte] = crc;
  }
  for (uint32_t byte = 0; byte < 256; ++byte) {
    for (size_t k = 1; k < 8; ++k) {
      const uint32_t before = tables[k - 1][byte];
      tables[k][byte] = (before >> 8) ^ tables[0][before & 0xFF];
    }
  }
  return tables;
}

constexpr Tables kTables = make_tables();

uint32_t update_by_tables(uint32_t crc, const uint8_t* data, size_t size) {
  for (; size >= 8; data += 8, size -= 8) {
    uint32_t low = 0;
    uint32_t high = 0;
    std::memcpy(&low, data, 4);
    std::memcpy(&high, data + 4, 4);
    low ^= crc;
    crc = kTables[7][low & 0xFF] ^ kTables[6][(low >> 8) & 0xFF] ^ kTables[5][(low >> 16) & 0xFF] ^
          kTables[4][low >> 24] ^ kTables[3][high & 0xFF] ^ kTables[2][(high >> 8) & 0xFF] ^
          kTables[1][(high >> 16) & 0xFF] ^ kTables[0][high >> 24];
  }
  for (; size > 0; ++data, --size) {
    crc = (crc >> 8) ^ kTables[0][(crc ^ *data) & 0xFF];
  }
  return crc;
}

#if defined(__x86_64__)

bool has_instruction() {
  __builtin_cpu_init();
  return __builtin_cpu_supports("sse4.2") != 0;
}

#define MF_WITH_INSTRUCTION __attribute__((target("sse4.2")))

MF_WITH_INSTRUCTION inline uint32_t update_word(uint32_t crc, uint64_t word) {
  return static_cast<uint32_t>(_mm_crc32_u64(crc, word));
}

#elif defined(__aarch64__)

bool has_instruction() {
  return (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0;
}

#define MF_WITH_INSTRUCTION __attribute__((target("+crc")))

MF_WITH_INSTRUCTION inline uint32_t update_word(uint32_t crc, uint64_t word) {
  return __crc32cd(crc, word);
}

#endif

#if defined(MF_WITH_INSTRUCTION)

MF_WITH_INSTRUCTION uint32_t update_by_instruction(uint32_t crc, const uint8_t* data, size_t size) {
  for (; size >= 8; data += 8, size -= 8) {
    uint64_t word = 0;
    std::memcpy(&word, data, 8);
    crc = update_word(crc, word);
  }
  return update_by_tables(crc, data, size);
}

using Update = uint32_t (*)(uint32_t crc, const uint8_t* data, size_t size);

const Update kUpdate = has_instruction() ? update_by_instruction : update_by_tables;

#else

constexpr auto kUpdate = update_by_tables;

#endif

}  // namespace

uint32_t crc32c(const uint8_t* data, size_t size, uint32_t seed) {
  return ~kUpdate(~seed, data, size);
}

uint32_t crc32c_by_tables(const uint8_t* data, size_t size, uint32_t seed) {
  return ~update_by_tables(~seed, data, size);
}

}  // namespace mf
