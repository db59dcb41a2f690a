// What instruction sets without a better way do in plain registers; included like
// match_kernel_body.h, before it.

/// Bits one by one, eight without asking whether there are so many: most blocks have fewer, and a
/// branch that goes either way costs more.
MF_INLINE uint16_t* put_positions(uint16_t* out, uint64_t mask, uint32_t at) {
  const uint64_t last_bit = 1ULL << 63;  // so that there is a lowest one; it is not kept
  do {
    for (uint32_t i = 0; i < 8; ++i) {
      *out = (uint16_t)(at + (uint32_t)__builtin_ctzll(mask | last_bit));
      out += mask != 0;
      mask &= mask - 1;
    }
  } while (__builtin_expect(mask != 0, 0));
  return out;
}

/// The number that eight digits mean, the first one in the lowest byte.
MF_INLINE uint64_t value_of(uint64_t digits) {
  digits = digits * 10 + (digits >> 8);  // pairs of digits, in every second byte
  const uint64_t pairs = 0x000000FF000000FFULL;
  return ((digits & pairs) * 0x000F424000000064ULL +
          ((digits >> 16) & pairs) * 0x0000271000000001ULL) >>
         32;
}

/// The numbers that four words of eight digits mean; not 0 when some byte is above 9.
MF_INLINE uint64_t values_of(const uint64_t digits[4], uint64_t values[4]) {
  uint64_t odd = 0;
  for (uint32_t i = 0; i < 4; ++i) {
    odd |= (digits[i] + 0x7676767676767676ULL) | digits[i];
    values[i] = value_of(digits[i]);
  }
  return odd & 0x8080808080808080ULL;
}
