#include "native/parse/clock.h"

#include <cstring>
#include <string>

#include "native/parse/text.h"

namespace mf {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Exactly `kCount` digits at `at`, where there are so many bytes; false when one is no digit.
template <size_t kCount>
bool read_digits(std::string_view text, size_t at, int& value) {
  value = 0;
  bool digits = true;
  for (size_t i = 0; i < kCount; ++i) {
    const int digit = text[at + i] - '0';
    digits = digits && digit >= 0 && digit <= 9;
    value = value * 10 + digit;
  }
  return digits;
}

bool has_char(std::string_view text, size_t at, char c) {
  return at < text.size() && text[at] == c;
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar; a year begins in March here, so that
/// the leap day is its last.
int64_t days_from_civil(int year, int month, int day) {
  const int64_t y = month <= 2 ? year - 1 : year;
  const int64_t era = (y >= 0 ? y : y - 399) / 400;
  const int64_t year_of_era = y - era * 400;
  const int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  const int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146'097 + day_of_era - 719'468;
}

int days_in_month(int year, int month) {
  if (month == 2) {
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return leap ? 29 : 28;
  }
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

/// Reads the 10 bytes of a date.
bool read_date(std::string_view text, DateMemo& memo, int64_t& days) {
  if (std::memcmp(text.data(), memo.text.data(), memo.text.size()) == 0) {
    days = memo.days;
    return true;
  }
  int year = 0;
  int month = 0;
  int day = 0;
  if (!read_digits<4>(text, 0, year) || text[4] != '-' || !read_digits<2>(text, 5, month) ||
      text[7] != '-' || !read_digits<2>(text, 8, day)) {
    return false;
  }
  if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month)) {
    return false;
  }
  days = days_from_civil(year, month, day);
  std::memcpy(memo.text.data(), text.data(), memo.text.size());
  memo.days = days;
  return true;
}

/// Reads the 8 bytes of a time of day.
bool read_time(std::string_view text, int64_t& ms) {
  int hour = 0;
  int minute = 0;
  int second = 0;
  if (!read_digits<2>(text, 0, hour) || text[2] != ':' || !read_digits<2>(text, 3, minute) ||
      text[5] != ':' || !read_digits<2>(text, 6, second)) {
    return false;
  }
  ms = ((hour * 60LL + minute) * 60 + second) * 1000;
  return hour <= 23 && minute <= 59 && second <= 59;
}

/// Reads an optional fraction at `at` and moves behind it; false when the dot has no digits.
bool read_fraction(std::string_view text, size_t& at, int64_t& ms) {
  if (!has_char(text, at, '.')) {
    return true;
  }
  size_t digits = 0;
  int64_t weight = 100;
  for (++at; at < text.size() && is_digit(text[at]); ++at, ++digits) {
    ms += (text[at] - '0') * weight;
    weight /= 10;
  }
  return digits > 0;
}

bool read_zone(std::string_view zone, int64_t& offset_ms) {
  offset_ms = 0;
  if (zone == "Z") {
    return true;
  }
  int hours = 0;
  int minutes = 0;
  if (zone.size() != 6 || (zone[0] != '+' && zone[0] != '-') || !read_digits<2>(zone, 1, hours) ||
      zone[3] != ':' || !read_digits<2>(zone, 4, minutes) || hours > 23 || minutes > 59) {
    return false;
  }
  offset_ms = (hours * 60LL + minutes) * 60'000 * (zone[0] == '-' ? -1 : 1);
  return true;
}

bool read_epoch_seconds(std::string_view text, int64_t& ms) {
  constexpr size_t kSecondsDigitsMax = 12;
  size_t at = 0;
  int64_t seconds = 0;
  for (; at < text.size() && is_digit(text[at]); ++at) {
    if (at == kSecondsDigitsMax) {
      return false;
    }
    seconds = seconds * 10 + (text[at] - '0');
  }
  if (at == 0) {
    return false;
  }
  ms = seconds * 1000;
  return read_fraction(text, at, ms) && at == text.size();
}

}  // namespace

bool read_rfc3339(std::string_view text, DateMemo& memo, int64_t& ms) {
  constexpr size_t kDateBytes = 10;
  constexpr size_t kDateTimeBytes = 19;
  int64_t days = 0;
  if (text.size() <= kDateTimeBytes || text[kDateBytes] != 'T' || !read_date(text, memo, days) ||
      !read_time(text.substr(kDateBytes + 1), ms)) {
    return false;
  }
  size_t at = kDateTimeBytes;
  int64_t offset_ms = 0;
  if (!read_fraction(text, at, ms) || !read_zone(text.substr(at), offset_ms)) {
    return false;
  }
  ms += days * 86'400'000 - offset_ms;
  return true;
}

bool read_start_time(const Value& value, DateMemo& memo, int64_t& ms) {
  if (value.kind == ValueKind::kNumber) {
    return read_epoch_seconds(value.raw, ms);
  }
  if (value.kind != ValueKind::kString) {
    return false;
  }
  if (value.escaped) {
    const std::string text = unescape(value.content());
    return read_rfc3339(text, memo, ms) || read_epoch_seconds(text, ms);
  }
  return read_rfc3339(value.content(), memo, ms) || read_epoch_seconds(value.content(), ms);
}

}  // namespace mf
