#include "native/aggregate/window_clock.h"

#include <algorithm>

#include "native/base/limits.h"
#include "native/parse/usage_record.h"

namespace mf {
namespace {

constexpr int64_t kWindowMaxMs = 3'600'000;

}  // namespace

Placement WindowClock::place(int64_t clock_ms) const {
  using Move = Placement::Move;
  if (clock_ms == kNoClock) {
    return {Move::kStay, clock_ms};
  }
  const int64_t start = clock_ms - clock_ms % window_ms_;
  if (!begun_) {
    return {Move::kFirst, clock_ms};
  }
  if (start > window_start_ms_) {
    return {Move::kLater, clock_ms};
  }
  if (clock_ms < window_start_ms_ - kSetBackMs) {
    return {Move::kNewEpoch, clock_ms};
  }
  return {Move::kStay, clock_ms};
}

void WindowClock::move(const Placement& placement) {
  begun_ = true;
  window_ms_ = next_window_ms_;
  window_start_ms_ = placement.clock_ms - placement.clock_ms % window_ms_;
  if (placement.move != Placement::Move::kNewEpoch) {
    return;
  }
  int64_t epoch = placement.clock_ms;
  while (std::ranges::find(epochs_, epoch) != epochs_.end()) {
    ++epoch;
  }
  epochs_.push_back(epoch);
  if (epochs_.size() > kEpochsRememberedMax) {
    epochs_.pop_front();
  }
}

void WindowClock::save(ByteWriter& out) const {
  out.put(window_ms_);
  out.put(static_cast<uint8_t>(begun_));
  out.put(window_start_ms_);
  out.put(static_cast<uint32_t>(epochs_.size()));
  for (const int64_t epoch : epochs_) {
    out.put(epoch);
  }
}

bool WindowClock::load(ByteReader& in) {
  window_ms_ = in.get<int64_t>();
  begun_ = in.get<uint8_t>() != 0;
  window_start_ms_ = in.get<int64_t>();
  const auto count = in.get<uint32_t>();
  const bool window_is_one = window_ms_ >= 1 && window_ms_ <= kWindowMaxMs;
  const bool start_is_one = begun_ ? is_clock(window_start_ms_) : window_start_ms_ == 0;
  if (!window_is_one || !start_is_one || count == 0 || count > kEpochsRememberedMax) {
    return false;
  }
  epochs_.clear();
  for (uint32_t i = 0; i < count; ++i) {
    epochs_.push_back(in.get<int64_t>());
  }
  return !in.failed();
}

}  // namespace mf
