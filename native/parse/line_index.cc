#include "native/parse/line_index.h"

#include <algorithm>
#include <cstring>

#include "native/parse/utf8.h"

namespace mf {
namespace {

/// What the window can reach: a line that is nearly too long, and the bytes that bring its end.
constexpr uint32_t kReachBytes = LineIndex::kLineBytesMax + LineIndex::kWindowBytes + 64;
static_assert(kReachBytes <= UINT16_MAX);

/// Any byte may be special, and the kernel writes up to 64 positions more.
constexpr size_t kPositionsMax = kReachBytes + 64;
constexpr size_t kDoubtsMax = kReachBytes / 64 + 2;

}  // namespace

LineIndex::LineIndex(const MatchKernel& kernel)
    : kernel_(kernel),
      positions_(std::make_unique_for_overwrite<uint16_t[]>(kPositionsMax)),
      doubts_(std::make_unique_for_overwrite<uint32_t[]>(kDoubtsMax)) {
  escapes_.doubts = doubts_.get();
}

void LineIndex::begin(std::string_view lines) {
  base_ = lines.data();
  size_ = static_cast<uint32_t>(lines.size());
  indexed_ = count_ = line_ = first_ = 0;
  has_high_ = had_escapes_ = false;
  is_utf8_ = true;
  // A window that begins at a line begins without an escape.
  uint32_t* doubts = escapes_.doubts;
  escapes_ = EscapeState{};
  escapes_.doubts = doubts;
  next_doubt_ = 0;
}

void LineIndex::move_to_line() {
  base_ += line_;
  size_ -= line_;
  indexed_ -= line_;
  uint32_t kept = 0;
  for (; first_ < count_; ++first_) {
    positions_[kept++] = static_cast<uint16_t>(positions_[first_] - line_);
  }
  count_ = kept;
  first_ = 0;
  kept = 0;
  for (uint32_t i = 0; i < escapes_.doubt_count; ++i) {
    // A block of 64 bytes that ends in the line that is not whole still counts.
    if (doubts_[i] + 64 > line_) {
      doubts_[kept++] = doubts_[i] > line_ ? doubts_[i] - line_ : 0;
    }
  }
  escapes_.doubt_count = kept;
  next_doubt_ = 0;
  line_ = 0;
}

bool LineIndex::grow() {
  move_to_line();
  if (indexed_ == size_ || indexed_ > kLineBytesMax) {
    return false;
  }
  // A line that is not whole began in the window before, for it is shorter than one.
  had_escapes_ = escapes_.seen != 0;
  escapes_.seen = 0;
  index_to(std::min(indexed_ + kWindowBytes, size_));
  return true;
}

void LineIndex::index_to(uint32_t end) {
  const IndexResult found =
      kernel_.index(base_, indexed_, end, positions_.get() + count_, &escapes_);
  count_ += found.count;
  indexed_ = end;
  has_high_ = has_high_ || found.has_high != 0;
  if (has_high_) {
    check_utf8();
  } else {
    is_utf8_ = true;
  }
}

void LineIndex::check_utf8() {
  uint32_t last = count_;
  while (last > first_ && !is_line_feed(last - 1)) {
    --last;
  }
  if (last > first_) {
    const uint32_t end = positions_[last - 1] + 1U;
    is_utf8_ = mf::is_utf8({base_ + line_, end - line_});
    // What follows is the beginning of a line: nothing is known of it yet.
    has_high_ = end < indexed_;
  }
}

uint32_t LineIndex::pass_unindexed() {
  const auto* feed = static_cast<const char*>(std::memchr(base_ + line_, '\n', size_ - line_));
  const auto end = static_cast<uint32_t>(feed - base_) + 1;
  // The index begins anew behind it.
  line_ = indexed_ = end;
  first_ = count_ = 0;
  has_high_ = false;
  escapes_.escaped = escapes_.unit_digits = escapes_.unit = escapes_.high_unit = 0;
  escapes_.doubt_count = next_doubt_ = 0;
  return end;
}

bool LineIndex::has_doubt(uint32_t begin, uint32_t end) {
  while (next_doubt_ < escapes_.doubt_count && doubts_[next_doubt_] + 64 <= begin) {
    ++next_doubt_;
  }
  return next_doubt_ < escapes_.doubt_count && doubts_[next_doubt_] < end;
}

}  // namespace mf
