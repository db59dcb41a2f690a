// The hash of the in-memory tables: seeded per process, so that tenant-chosen bytes cannot be made
// to collide; never part of an id, a file or an answer. Folded 64x64 multiplies over 16 bytes a
// step, as in wyhash. Equality is always decided by comparing the bytes.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace mf {

struct HashSeed {
  uint64_t a;
  uint64_t b;
};

/// The seed of this process, drawn once from the system's random source.
const HashSeed& hash_seed();

inline uint64_t fold_multiply(uint64_t left, uint64_t right) {
  // __extension__: 128-bit integers are a GNU extension that every compiler we support has.
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(left) * right;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

inline uint64_t load64(const char* data) {
  uint64_t word = 0;
  std::memcpy(&word, data, sizeof word);
  return word;
}

/// `chained` is the hash of what comes before the bytes.
inline uint64_t hash_bytes(std::string_view bytes, const HashSeed& seed, uint64_t chained = 0) {
  uint64_t hash = seed.a ^ chained ^ (bytes.size() * 0x9E3779B97F4A7C15ULL);
  const char* data = bytes.data();
  size_t size = bytes.size();
  if (size >= 32) {
    // Two chains, so that a multiplication need not wait for the one before it.
    uint64_t other = hash ^ 0xE7037ED1A0B428DBULL;
    for (; size >= 32; data += 32, size -= 32) {
      hash = fold_multiply(load64(data) ^ seed.b, load64(data + 8) ^ hash);
      other = fold_multiply(load64(data + 16) ^ seed.b, load64(data + 24) ^ other);
    }
    hash ^= other;
  }
  for (; size >= 16; data += 16, size -= 16) {
    hash = fold_multiply(load64(data) ^ seed.b, load64(data + 8) ^ hash);
  }
  uint64_t low = 0;
  uint64_t high = 0;
  if (size >= 8) {
    low = load64(data);
    high = load64(data + size - 8);
  } else if (size > 0) {
    std::memcpy(&low, data, size);
  }
  return fold_multiply(low ^ seed.b ^ 0xA0761D6478BD642FULL, high ^ hash);
}

inline uint64_t hash_bytes(std::string_view bytes, uint64_t chained = 0) {
  return hash_bytes(bytes, hash_seed(), chained);
}

}  // namespace mf
