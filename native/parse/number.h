// Amounts: exact decimals, never a double (DESIGN 4.3).
#pragma once

#include <cstdint>
#include <string_view>

#include "native/parse/record.h"

namespace mf {

/// True when `token` is exactly one number of RFC 8259.
bool is_json_number(std::string_view token);

/// Reads a JSON number of 1 to kPlainDigitsMax digits and nothing else: nearly every amount.
inline bool read_plain(std::string_view token, uint64_t& number) {
  if (token.size() > kPlainDigitsMax) {
    return false;
  }
  number = 0;
  for (const char c : token) {
    const auto digit = static_cast<uint64_t>(c) - '0';
    if (digit > 9) {
      return false;
    }
    number = number * 10 + digit;
  }
  return token[0] != '0' || token.size() == 1;
}

/// The amount that `value` stands for: 0 when it is absent; else a number, or a string that is
/// exactly a JSON number, without minus sign or fraction, of at most 2^53. False: `bad_number`.
bool read_amount(const Value& value, uint64_t& amount);

}  // namespace mf
