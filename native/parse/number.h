// Amounts: exact decimals, never a double (DESIGN 4.3).
#pragma once

#include <cstdint>
#include <string_view>

#include "native/parse/record.h"

namespace mf {

/// True when `token` is exactly one number of RFC 8259.
bool is_json_number(std::string_view token);

/// The amount that `value` stands for: 0 when it is absent; else a number, or a string that is
/// exactly a JSON number, without minus sign or fraction, of at most 2^53. False: `bad_number`.
bool read_amount(const Value& value, uint64_t& amount);

}  // namespace mf
