// The fast path of parsing: matches lines against shapes that were learned, and leaves what does
// not match to the reference parser.
//
// The idea. The lines of one Envoy are alike: the same keys in the same order, only the values
// differ. Such a line needs no parser. Special bytes (quotes, control bytes) are indexed once; in a
// line of a known shape each of them is expected at its place, so one compare of the literal bytes
// between the values proves the whole line (match_kernel_body.h says why), and the values lie where
// the shape says. A shape is learned from a line that the reference parser accepted, and is only
// used after that line matched it with the same values.
//
// What it gives. A batch of lines in their order, each with a verdict: simple (a request; its
// amounts and clock are there), record (proven, `read` fills in a Record for the rules of
// native/aggregate), or declined. A declined piece is one line, or some lines, and is decided by
// the reference parser: declining costs time and changes nothing. So every doubt declines.
//
// Lines of one shape are matched four at a time, but a batch keeps the order of the lines: windows,
// epochs and limits depend on it.
//
// What can go wrong. Two shapes may have the same number of special bytes: then both are tried. A
// shape may fit two short lines by number: then they are declined together. Shapes are 16 at most,
// so a stream whose key sets vary more than that is parsed by the reference.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "native/base/key_blocks.h"
#include "native/parse/clock.h"
#include "native/parse/envelope.h"
#include "native/parse/line_index.h"
#include "native/parse/line_path.h"
#include "native/parse/shape_store.h"

namespace mf {

struct LineBatch {
  static constexpr uint32_t kLinesMax = 64;

  const char* base = nullptr;
  const uint16_t* positions = nullptr;
  uint32_t count = 0;
  /// Some text between the quotes of these lines may have escapes.
  bool has_escapes = false;
  std::array<LineSlot, kLinesMax> slots;
};

struct MatcherOptions {
  size_t line_bytes_max = 1 << 20;
  /// Lines are excluded by code or flag: none is simple.
  bool has_exclusions = false;
};

class LineMatcher {
 public:
  LineMatcher(const Format& format, const MatcherOptions& options, const MatchKernel& kernel);

  /// False: give the next lines to the reference parser and count them by `rested`.
  [[nodiscard]] bool pays() const { return !store_.rests(); }
  void rested(uint64_t lines) { store_.rested(lines); }

  /// Looks at `lines`, whole physical lines in this envelope, around which kPaddingBytes are
  /// readable. They must stay where they are until `next` has given all of them.
  void begin(std::string_view lines, Envelope envelope);
  /// The next lines; false when there are no more. The batch before is forgotten.
  bool next(LineBatch& batch);

  /// The shape of a line that was not declined.
  [[nodiscard]] const LearnedShape& shape(const LineSlot& slot) const { return store_[slot.shape]; }
  /// The values of such a line, as the reference parser gives them.
  void read(const LineBatch& batch, const LineSlot& slot, Record& record) const;
  /// The raw bytes of its project, route and dimensions, where `is_simple` is true of its shape,
  /// and how many blocks they took: 0 when they do not fit.
  uint32_t read_key(const LineBatch& batch, const LineSlot& slot, KeyBlock* key) const;
  /// Its text without the envelope, and the envelope's time.
  [[nodiscard]] std::string_view content(const LineBatch& batch, const LineSlot& slot) const;
  [[nodiscard]] std::string_view envelope_time(const LineBatch& batch, const LineSlot& slot) const;

  /// Offers a line that was declined, and what the reference parser read in it.
  void learn(std::string_view line, const Record& record);

 private:
  /// Lines of one shape that wait to be four.
  struct Group {
    uint32_t count = 0;
    std::array<uint8_t, 4> slots{};
  };

  void collect(LineBatch& batch);
  [[nodiscard]] uint32_t find_shape(uint32_t& line_feed) const;
  [[nodiscard]] bool is_line_of(const Shape& shape, uint32_t& line_feed) const;
  [[nodiscard]] LinePath why_unmatched(uint32_t begin) const;
  void add_line(LineBatch& batch, uint32_t shape, uint32_t line_feed);
  static void add_declined(LineBatch& batch, uint32_t begin, uint32_t end, LinePath why);
  [[nodiscard]] bool find_line_feed(uint32_t& line_feed) const;

  void match_group(LineBatch& batch, uint32_t shape);
  void match_rest(LineBatch& batch);
  void match_alone(const LineBatch& batch, LineSlot& slot);
  [[nodiscard]] bool match_one(const LineBatch& batch, LineSlot& slot, uint32_t shape) const;

  void settle(LineBatch& batch);
  void settle_line(const LineBatch& batch, LineSlot& slot);
  [[nodiscard]] bool settle_numbers(const LineBatch& batch, LineSlot& slot) const;
  void settle_clock(const LineBatch& batch, LineSlot& slot);
  [[nodiscard]] bool is_simple(const LineBatch& batch, const LineSlot& slot) const;
  [[nodiscard]] bool fits(std::string_view line, const LearnedShape& learned,
                          const Record& record) const;
  static void read(const LineBatch& batch, const LineSlot& slot, const LearnedShape& learned,
                   Record& record);

  const Format format_;
  const PathTree paths_;
  const MatcherOptions options_;
  const MatchKernel& kernel_;
  LineIndex index_;
  ShapeStore store_;
  Envelope envelope_ = Envelope::kRaw;
  uint32_t last_shape_ = 0;
  std::array<Group, ShapeStore::kShapesMax> groups_;
  /// The minute that start times are compared with, and the last other one: around the turn of a
  /// minute, lines are of both.
  MinuteMemo minute_{};
  MinuteMemo other_minute_{};
  uint32_t lines_of_other_minute_ = 0;
  DateMemo date_;
};

}  // namespace mf
