// The part of the shape match that is compiled once per instruction set: see match_kernel_body.h.
#pragma once

#include <cstdint>

#include "native/parse/shape.h"

namespace mf {

/// Where in a text escapes begun before end; and blocks in which an escape is not valid.
struct EscapeState {
  /// Bits of the block before, moved to the beginning of this one.
  uint64_t escaped;      ///< The first byte is escaped.
  uint64_t unit_digits;  ///< Of a \u that began before: bytes that must be hexadecimal digits.
  uint64_t unit;         ///< The first byte follows \u.
  uint64_t high_unit;    ///< The first byte follows \ud.
  /// Offsets of blocks of 64 bytes with an escape that is not valid, or of a surrogate.
  uint32_t* doubts;
  uint32_t doubt_count;
  /// There was a backslash.
  uint32_t seen;
};

struct IndexResult {
  /// Positions written.
  uint32_t count;
  /// True if there is a byte above 0x7F; it may lie up to 63 bytes behind the end.
  uint32_t has_high;
};

/// Some lines of one shape, and where to put what is read.
struct MatchTask {
  const char* base;
  const Shape* shape;
  const MinuteMemo* minute;
  /// Positions of the special bytes of each line, from `base`.
  const uint16_t* at[4];
  LineSlot* slots[4];
};

struct MatchKernel {
  /// Writes the positions, from `base`, of all special bytes in [from, to): control bytes, and
  /// quotes that are not escaped. Room for 64 more positions is needed.
  IndexResult (*index)(const char* base, uint32_t from, uint32_t to, uint16_t* positions,
                       EscapeState* escapes);
  /// Matches four lines, or the first alone. Of each line whose literal bytes are those of the
  /// shape a bit is set in the answer, and its slot's totals, clock and state are filled.
  uint32_t (*match_four)(const MatchTask* task);
  uint32_t (*match_one)(const MatchTask* task);
};

}  // namespace mf
