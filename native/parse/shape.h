// A line shape: a line of one format without its values (line_matcher.h has the idea).
//
// A line is cut into runs of literal bytes and the values between them:
//
//   {"bytes_sent":  466  ,"project_name":"  p-abc  ","start_time":"  2026-...Z  "}\n
//   └── run ─────┘ value └── run ───────┘   value └── run ───────┘    value     └─ run
//
// Each run holds at least one special byte: a quote, or a control byte such as the LF at the end.
// So each place in a line can be named by a mark: so many bytes behind its n-th special byte.
//
// This header is shared with the kernels, which are compiled for special instruction sets. It holds
// plain data only: an inline function here could be compiled for one CPU and run on another.
#pragma once

#include <cstdint>

namespace mf {

inline constexpr uint32_t kPieceBytes = 32;
inline constexpr uint32_t kShapePiecesMax = 112;

/// What is readable, whatever it holds, before and behind bytes that a kernel looks at. No mark is
/// further from its special byte than a shape has literal bytes, and a special byte of a line that
/// is of another shape may lie anywhere in it.
inline constexpr uint32_t kPaddingBytes = kShapePiecesMax * kPieceBytes + 64;
inline constexpr uint32_t kShapeNumbersMax = 48;
inline constexpr uint32_t kShapeSpecialsMax = 1024;
/// Amounts of a record: egress bytes, ingress bytes, duration in ms.
inline constexpr uint32_t kAmounts = 3;

/// `delta` bytes behind the special byte number `rank` of a line.
struct Mark {
  uint16_t rank;
  int16_t delta;
};

/// The bytes from one mark to another.
struct Span {
  Mark begin;
  Mark end;
};

/// Up to 32 literal bytes; the mask is 0xFF where there is one.
struct alignas(kPieceBytes) ShapePiece {
  uint8_t bytes[kPieceBytes];
  uint8_t mask[kPieceBytes];
};

struct alignas(64) Shape {
  /// Special bytes of a line, its LF included.
  uint32_t specials;
  uint32_t pieces;
  uint32_t plain_numbers;
  /// Digits of each amount, and ~0; of an amount that the line does not have, one byte of it, and
  /// 0.
  Span amounts[kAmounts];
  uint64_t amount_masks[kAmounts];
  /// The start time between its quotes; only read when `has_start`.
  Span start;
  uint32_t has_start;
  Mark piece_marks[kShapePiecesMax];
  /// Numbers that are no amounts: they must be numbers, their values do not matter.
  Span numbers[kShapeNumbersMax];
  ShapePiece literal[kShapePiecesMax];
};

/// The beginning of the last start time up to its minute, "2026-11-22T12:00", and what it means.
struct MinuteMemo {
  char text[16];
  int64_t ms;
};

/// What the match says of a line.
enum LineState : uint8_t {
  kLineDeclined = 0,  ///< Nothing: the reference parser decides it.
  kLineSimple = 1,    ///< Proven; a request whose amounts and clock are in the slot.
  kLineRecord = 2,    ///< Proven; its values are where the shape says, and must be looked at.
};
/// Bits beside the states above while a line is not settled.
inline constexpr uint8_t kOddNumber = 4;  ///< Some number has not 1 to 8 digits and nothing else.
inline constexpr uint8_t kOddTime = 8;    ///< The start time is of another minute, or another form.

/// One line of a batch: a cache line of memory.
struct alignas(64) LineSlot {
  /// 1, egress bytes, ingress bytes, ms, floor(ms / 1000): in the order of Totals.
  int64_t totals[5];
  /// Start time plus duration.
  int64_t clock_ms;
  /// From the first byte of its physical line to the one behind its LF, from the batch's base.
  uint32_t begin;
  uint32_t end;
  /// Where its special bytes begin in the batch's index.
  uint16_t first;
  uint8_t shape;
  /// A LineState, and odd bits.
  uint8_t state;
  /// Of a line that was declined, the LinePath that says why.
  uint8_t path;
};

}  // namespace mf
