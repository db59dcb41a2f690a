// Equality of short texts, a word at a time: where texts have a few dozen bytes, the call of memcmp
// costs as much as the comparison.
#pragma once

#include <cstring>

#include "native/base/hash.h"

namespace mf {

/// True when `size` bytes are equal.
inline bool equal_bytes(const char* one, const char* other, size_t size) {
  if (size < sizeof(uint64_t)) {
    uint64_t left = 0;
    uint64_t right = 0;
    if (size > 0) {
      std::memcpy(&left, one, size);
      std::memcpy(&right, other, size);
    }
    return left == right;
  }
  uint64_t difference = 0;
  const size_t last = size - sizeof(uint64_t);
  for (size_t at = 0; at < last; at += sizeof(uint64_t)) {
    difference |= load64(one + at) ^ load64(other + at);
  }
  return (difference | (load64(one + last) ^ load64(other + last))) == 0;
}

}  // namespace mf
