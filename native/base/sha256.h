// SHA-256 (FIPS 180-4), incremental, with a state that a snapshot can hold. Used where a value of
// unbounded length must become a short one: lines above line_bytes_max, client-chosen identities.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mf {

class Sha256 {
 public:
  using Digest = std::array<uint8_t, 32>;

  void update(std::string_view bytes);
  /// The digest of all bytes so far; the state goes on unchanged.
  [[nodiscard]] Digest digest() const;

  static Digest of(std::string_view bytes) {
    Sha256 hash;
    hash.update(bytes);
    return hash.digest();
  }

 private:
  void block(const uint8_t* data);

  std::array<uint32_t, 8> state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<uint8_t, 64> pending_{};
  uint64_t length_bytes_ = 0;
};

}  // namespace mf
