// CRC-32C (RFC 3720, appendix B.4): the checksum of every value in the state.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mf {

/// The checksum of `data`, continued from `seed`; 0 begins. crc32c("123456789") is 0xE3069283.
uint32_t crc32c(const uint8_t* data, size_t size, uint32_t seed);

/// The same on a CPU that has no instruction for it.
uint32_t crc32c_by_tables(const uint8_t* data, size_t size, uint32_t seed);

}  // namespace mf
