// Equality of short texts, a word at a time: where texts have a few dozen bytes, the call of memcmp
// costs as much as the comparison.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "native/base/hash.h"

namespace mf {

/// True when the bytes at `data` are those of `text`.
inline bool equal_bytes(const char* data, std::string_view text) {
  const size_t size = text.size();
  if (size < sizeof(uint64_t)) {
    uint64_t left = 0;
    uint64_t right = 0;
    if (size > 0) {
      std::memcpy(&left, data, size);
      std::memcpy(&right, text.data(), size);
    }
    return left == right;
  }
  uint64_t difference = 0;
  const char* other = text.data();
  const size_t last = size - sizeof(uint64_t);
  for (size_t at = 0; at < last; at += sizeof(uint64_t)) {
    difference |= load64(data + at) ^ load64(other + at);
  }
  return (difference | (load64(data + last) ^ load64(other + last))) == 0;
}

}  // namespace mf
