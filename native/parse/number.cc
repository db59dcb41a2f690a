#include "native/parse/number.h"

#include <algorithm>
#include <string>

#include "native/parse/text.h"

namespace mf {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

size_t count_digits(std::string_view text, size_t from) {
  size_t i = from;
  while (i < text.size() && is_digit(text[i])) {
    ++i;
  }
  return i - from;
}

/// A JSON number in its parts; views of the token.
struct Decimal {
  bool negative = false;
  std::string_view whole;
  std::string_view fraction;
  bool exponent_negative = false;
  std::string_view exponent;
};

bool split_number(std::string_view token, Decimal& parts) {
  size_t i = 0;
  if (i < token.size() && token[i] == '-') {
    parts.negative = true;
    ++i;
  }
  const size_t whole = count_digits(token, i);
  if (whole == 0 || (whole > 1 && token[i] == '0')) {
    return false;
  }
  parts.whole = token.substr(i, whole);
  i += whole;
  if (i < token.size() && token[i] == '.') {
    const size_t fraction = count_digits(token, i + 1);
    if (fraction == 0) {
      return false;
    }
    parts.fraction = token.substr(i + 1, fraction);
    i += 1 + fraction;
  }
  if (i < token.size() && (token[i] == 'e' || token[i] == 'E')) {
    ++i;
    if (i < token.size() && (token[i] == '+' || token[i] == '-')) {
      parts.exponent_negative = token[i] == '-';
      ++i;
    }
    const size_t exponent = count_digits(token, i);
    if (exponent == 0) {
      return false;
    }
    parts.exponent = token.substr(i, exponent);
    i += exponent;
  }
  return i == token.size();
}

/// The exponent, cut at a size that no line can make up for with digits.
int64_t exponent_of(const Decimal& parts) {
  constexpr int64_t kBeyondAnyLine = 1LL << 40;
  int64_t exponent = 0;
  for (const char digit : parts.exponent) {
    exponent = std::min(exponent * 10 + (digit - '0'), kBeyondAnyLine);
  }
  return parts.exponent_negative ? -exponent : exponent;
}

/// Adds a digit; false above 2^53.
bool push_digit(uint64_t& amount, char digit) {
  amount = amount * 10 + static_cast<uint64_t>(digit - '0');
  return amount <= kAmountMax;
}

/// The value when it is a whole number of at most 2^53.
bool to_amount(const Decimal& parts, uint64_t& amount) {
  // The digits without zeros at either end, and the power of ten of the last of them.
  std::string digits(parts.whole);
  digits += parts.fraction;
  const size_t first = digits.find_first_not_of('0');
  amount = 0;
  if (first == std::string::npos) {
    return true;
  }
  const size_t last = digits.find_last_not_of('0');
  const auto cut = static_cast<int64_t>(digits.size() - 1 - last);
  const int64_t power = exponent_of(parts) - static_cast<int64_t>(parts.fraction.size()) + cut;
  constexpr int64_t kDigitsMax = 16;  // 2^53 has 16
  const auto significant = static_cast<int64_t>(last - first + 1);
  if (power < 0 || power > kDigitsMax || significant + power > kDigitsMax) {
    return false;
  }
  for (size_t i = first; i <= last; ++i) {
    if (!push_digit(amount, digits[i])) {
      return false;
    }
  }
  for (int64_t i = 0; i < power; ++i) {
    if (!push_digit(amount, '0')) {
      return false;
    }
  }
  return true;
}

bool decimal_amount(std::string_view token, uint64_t& amount) {
  Decimal parts;
  return split_number(token, parts) && !parts.negative && to_amount(parts, amount);
}

}  // namespace

bool is_json_number(std::string_view token) {
  Decimal parts;
  return split_number(token, parts);
}

bool read_amount(const Value& value, uint64_t& amount) {
  amount = value.plain;
  if (value.is_plain) {
    return true;
  }
  if (value.kind == ValueKind::kNumber) {
    return decimal_amount(value.raw, amount);
  }
  if (value.is_absent()) {
    return true;
  }
  if (value.kind != ValueKind::kString) {
    return false;
  }
  return value.escaped ? decimal_amount(unescape(value.content()), amount)
                       : decimal_amount(value.content(), amount);
}

}  // namespace mf
