// Which window a line belongs to, from the clocks of the lines alone (DESIGN 5.2): no wall clock,
// no look-ahead, so that any run over the same bytes cuts the same windows.
#pragma once

#include <cstdint>
#include <deque>

#include "native/base/bytes.h"

namespace mf {

/// Where a line goes, and what it changes.
struct Placement {
  enum class Move : uint8_t {
    kStay,      ///< The window stays: a line of it, a late one, or one without a clock.
    kFirst,     ///< The stream's first clock: its window begins, nothing closes.
    kLater,     ///< A later window: the open segment closes.
    kNewEpoch,  ///< The clock was set back by more than an hour: the open segment closes.
  };
  Move move = Move::kStay;
  int64_t clock_ms = 0;

  [[nodiscard]] bool closes() const { return move == Move::kLater || move == Move::kNewEpoch; }
};

class WindowClock {
 public:
  explicit WindowClock(int64_t window_ms) : window_ms_(window_ms), next_window_ms_(window_ms) {}

  /// Where a line with this clock (kNoClock: none) belongs. Changes nothing.
  [[nodiscard]] Placement place(int64_t clock_ms) const;
  /// What `place` says of most lines, without a division: the clock is one of the open window, or a
  /// late one of its epoch.
  [[nodiscard]] bool keeps(int64_t clock_ms) const {
    return begun_ && clock_ms < window_start_ms_ + window_ms_ &&
           clock_ms >= window_start_ms_ - kSetBackMs;
  }
  /// Makes the placement true.
  void move(const Placement& placement);

  [[nodiscard]] bool has_begun() const { return begun_; }
  [[nodiscard]] int64_t window_start_ms() const { return window_start_ms_; }
  [[nodiscard]] int64_t window_ms() const { return window_ms_; }
  [[nodiscard]] int64_t epoch() const { return epochs_.back(); }

  void save(ByteWriter& out) const;
  bool load(ByteReader& in);

 private:
  /// How far a clock may be before the window: beyond it, the clock was set back (DESIGN 5.2).
  static constexpr int64_t kSetBackMs = 3'600'000;

  int64_t window_ms_;
  /// The configured length; it applies from the next segment when a restored one differs.
  const int64_t next_window_ms_;
  bool begun_ = false;
  int64_t window_start_ms_ = 0;
  /// The last epochs, the present one at the end; the first of a stream is 0.
  std::deque<int64_t> epochs_{0};
};

}  // namespace mf
