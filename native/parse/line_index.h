// The special bytes of the lines that are being looked at: a window that moves over a text of whole
// lines. It begins at a line, and grows by kWindowBytes whenever its last line is not whole.
//
// Positions are 16 bits wide, from `base`, so that few of them fill a cache line; the window moves
// on to the first line that is not done with before it would grow beyond what they can name.
//
// Quotes that are escaped are left out. Where an escape is not plain, its block of 64 bytes is a
// doubt, and lines that touch it are declined.
//
// UTF-8 is checked for all lines of a window at once, and only where a byte is above 0x7F. When
// that fails, lines are checked one by one.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "native/parse/match_kernel.h"

namespace mf {

class LineIndex {
 public:
  explicit LineIndex(const MatchKernel& kernel);

  /// Looks at `lines`, whole lines, around which kPaddingBytes are readable.
  void begin(std::string_view lines);

  /// Forgets what was done with and indexes more. False when there is nothing more, or when the
  /// line that it begins with is longer than kLineBytesMax.
  bool grow();

  [[nodiscard]] const char* base() const { return base_; }
  [[nodiscard]] const uint16_t* positions() const { return positions_.get(); }
  /// Where the next line begins, and its first special byte; there are `count()` special bytes.
  [[nodiscard]] uint32_t line() const { return line_; }
  [[nodiscard]] uint32_t first() const { return first_; }
  [[nodiscard]] uint32_t count() const { return count_; }
  [[nodiscard]] bool done() const { return line_ == size_; }

  [[nodiscard]] bool is_line_feed(uint32_t special) const {
    return base_[positions_[special]] == '\n';
  }
  /// Moves behind the line that ends with this special byte.
  void pass(uint32_t line_feed) {
    line_ = positions_[line_feed] + 1U;
    first_ = line_feed + 1;
  }
  /// Moves behind the next line, however long it is, and gives its end.
  uint32_t pass_unindexed();

  /// False: there is no backslash in these lines.
  [[nodiscard]] bool has_escapes() const { return had_escapes_ || escapes_.seen != 0; }

  /// True when the line has an escape that is not valid, or that is a surrogate. To be asked of
  /// lines in their order.
  bool has_doubt(uint32_t begin, uint32_t end);
  [[nodiscard]] bool has_doubts() const { return escapes_.doubt_count > 0; }
  /// False: lines of this window must each be checked.
  [[nodiscard]] bool is_utf8() const { return is_utf8_; }

  static constexpr uint32_t kWindowBytes = 32 << 10;
  static constexpr uint32_t kLineBytesMax = 24 << 10;

 private:
  void move_to_line();
  void index_to(uint32_t end);
  void check_utf8();

  const MatchKernel& kernel_;
  const std::unique_ptr<uint16_t[]> positions_;
  const std::unique_ptr<uint32_t[]> doubts_;

  const char* base_ = nullptr;
  uint32_t size_ = 0;
  uint32_t indexed_ = 0;
  uint32_t count_ = 0;
  uint32_t line_ = 0;
  uint32_t first_ = 0;
  /// Of the window before.
  bool had_escapes_ = false;
  bool has_high_ = false;
  bool is_utf8_ = true;
  EscapeState escapes_{};
  uint32_t next_doubt_ = 0;
};

}  // namespace mf
