// Times: RFC 3339 and seconds since 1970, floored to ms (DESIGN 5.2). No wall clock here.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "native/parse/record.h"

namespace mf {

/// Clocks outside [2000-01-01, 2100-01-01) count as absent.
inline constexpr int64_t kClockMinMs = 946'684'800'000;
inline constexpr int64_t kClockEndMs = 4'102'444'800'000;

inline bool is_clock(int64_t ms) {
  return ms >= kClockMinMs && ms < kClockEndMs;
}

/// The last date that was read: a log has the same one for a day. A cache that never decides, so it
/// begins with a date that is true.
struct DateMemo {
  std::array<char, 10> text{'1', '9', '7', '0', '-', '0', '1', '-', '0', '1'};
  int64_t days = 0;
};

/// Reads an RFC 3339 time with `T`, `Z` or an offset, any fraction, a real date and no leap second.
bool read_rfc3339(std::string_view text, DateMemo& memo, int64_t& ms);

/// Reads a start time: RFC 3339, or 1 to 12 digits with an optional fraction, in seconds.
bool read_start_time(const Value& value, DateMemo& memo, int64_t& ms);

}  // namespace mf
