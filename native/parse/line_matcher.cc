#include "native/parse/line_matcher.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "native/base/hash.h"
#include "native/parse/number.h"
#include "native/parse/text.h"
#include "native/parse/utf8.h"

namespace mf {
namespace {

constexpr std::string_view kPlainTag = " stdout F ";

/// True when the 8 bytes at `text` have a blank among them.
bool has_blank(const char* text) {
  const uint64_t word = load64(text) ^ 0x2020202020202020ULL;
  return ((word - 0x0101010101010101ULL) & ~word & 0x8080808080808080ULL) != 0;
}

/// True when `envelope` is `<time> stdout F `, whatever the time is: it is read when it is needed.
bool is_plain_cri(const char* envelope, uint32_t size) {
  constexpr uint32_t kTag = kPlainTag.size();
  constexpr uint32_t kTimeBytesMax = 64;
  if (size < kTag + 8 || size > kTag + kTimeBytesMax ||
      std::memcmp(envelope + size - kTag, kPlainTag.data(), kTag) != 0) {
    return false;
  }
  const uint32_t time_bytes = size - kTag;
  bool blank = has_blank(envelope + time_bytes - 8);
  for (uint32_t i = 0; i + 8 < time_bytes; i += 8) {
    blank |= has_blank(envelope + i);
  }
  return !blank;
}

}  // namespace

LineMatcher::LineMatcher(const Format& format, const MatcherOptions& options,
                         const MatchKernel& kernel)
    : format_(format), paths_(format), options_(options), kernel_(kernel), index_(kernel) {}

void LineMatcher::begin(std::string_view lines, Envelope envelope) {
  envelope_ = envelope;
  index_.begin(lines);
}

bool LineMatcher::next(LineBatch& batch) {
  batch.count = 0;
  store_.install();
  while (batch.count == 0) {
    collect(batch);
    if (batch.count > 0) {
      break;
    }
    if (index_.done()) {
      return false;
    }
    if (!index_.grow()) {
      batch.base = index_.base();
      const uint32_t begin = index_.line();
      add_declined(batch, begin, index_.pass_unindexed(), LinePath::kLong);
      return true;
    }
  }
  match_rest(batch);
  settle(batch);
  return true;
}

void LineMatcher::collect(LineBatch& batch) {
  batch.base = index_.base();
  batch.positions = index_.positions();
  while (batch.count < LineBatch::kLinesMax) {
    uint32_t line_feed = 0;
    const uint32_t shape = find_shape(line_feed);
    if (shape != ShapeStore::kNone) {
      last_shape_ = shape;
      add_line(batch, shape, line_feed);
      continue;
    }
    if (!find_line_feed(line_feed)) {
      break;
    }
    const uint32_t begin = index_.line();
    index_.pass(line_feed);
    add_declined(batch, begin, index_.line(), why_unmatched(begin));
  }
  batch.has_escapes = index_.has_escapes();
}

/// Of the line that was passed last, and that no shape fits by number.
LinePath LineMatcher::why_unmatched(uint32_t begin) const {
  Piece piece;
  const bool is_plain = envelope_ != Envelope::kCri ||
                        (read_cri({index_.base() + begin, index_.line() - begin}, piece) &&
                         !piece.partial && piece.output == OutputStream::kStdout);
  return is_plain ? LinePath::kShape : LinePath::kEnvelope;
}

/// The shape that the next line may have by the number of its special bytes: that of the line
/// before first.
uint32_t LineMatcher::find_shape(uint32_t& line_feed) const {
  if (store_.size() == 0) {
    return ShapeStore::kNone;
  }
  if (is_line_of(store_[last_shape_].shape, line_feed)) {
    return last_shape_;
  }
  for (uint32_t shape = 0; shape < store_.size(); ++shape) {
    if (is_line_of(store_[shape].shape, line_feed)) {
      return shape;
    }
  }
  return ShapeStore::kNone;
}

bool LineMatcher::is_line_of(const Shape& shape, uint32_t& line_feed) const {
  line_feed = index_.first() + shape.specials - 1;
  if (line_feed >= index_.count() || !index_.is_line_feed(line_feed)) {
    return false;
  }
  const uint32_t open =
      static_cast<uint32_t>(index_.positions()[index_.first()] + shape.piece_marks[0].delta);
  return envelope_ == Envelope::kRaw
             ? open == index_.line()
             : is_plain_cri(index_.base() + index_.line(), open - index_.line());
}

bool LineMatcher::find_line_feed(uint32_t& line_feed) const {
  line_feed = index_.first();
  while (line_feed < index_.count() && !index_.is_line_feed(line_feed)) {
    ++line_feed;
  }
  return line_feed < index_.count();
}

void LineMatcher::add_line(LineBatch& batch, uint32_t shape, uint32_t line_feed) {
  LineSlot& slot = batch.slots[batch.count];
  slot.begin = index_.line();
  slot.first = static_cast<uint16_t>(index_.first());
  slot.shape = static_cast<uint8_t>(shape);
  slot.state = kLineDeclined;
  index_.pass(line_feed);
  slot.end = index_.line();
  Group& group = groups_[shape];
  group.slots[group.count++] = static_cast<uint8_t>(batch.count++);
  if (group.count == group.slots.size()) {
    match_group(batch, shape);
  }
}

void LineMatcher::add_declined(LineBatch& batch, uint32_t begin, uint32_t end, LinePath why) {
  LineSlot& slot = batch.slots[batch.count];
  slot.begin = begin;
  slot.end = end;
  slot.state = kLineDeclined;
  slot.path = static_cast<uint8_t>(why);
  ++batch.count;
}

void LineMatcher::match_group(LineBatch& batch, uint32_t shape) {
  Group& group = groups_[shape];
  group.count = 0;
  MatchTask task{batch.base, &store_[shape].shape, &minute_, {}, {}};
  for (size_t i = 0; i < group.slots.size(); ++i) {
    LineSlot& slot = batch.slots[group.slots[i]];
    task.slots[i] = &slot;
    task.at[i] = batch.positions + slot.first;
  }
  const uint32_t matched = kernel_.match_four(&task);
  for (size_t i = 0; matched != 15 && i < group.slots.size(); ++i) {
    if ((matched >> i & 1) == 0) {
      match_alone(batch, *task.slots[i]);
    }
  }
}

/// Lines of which there were less than four of a shape.
void LineMatcher::match_rest(LineBatch& batch) {
  for (uint32_t shape = 0; shape < store_.size(); ++shape) {
    Group& group = groups_[shape];
    for (uint32_t i = 0; i < group.count; ++i) {
      LineSlot& slot = batch.slots[group.slots[i]];
      if (!match_one(batch, slot, shape)) {
        match_alone(batch, slot);
      }
    }
    group.count = 0;
  }
}

/// A line that is not of the shape that it was thought to have: another one may have as many
/// special bytes.
void LineMatcher::match_alone(const LineBatch& batch, LineSlot& slot) {
  const Shape& tried = store_[slot.shape].shape;
  for (uint32_t i = 0; i < store_.size(); ++i) {
    const Shape& other = store_[i].shape;
    // The object must begin where it was looked for, behind the envelope.
    if (&other != &tried && other.specials == tried.specials &&
        other.piece_marks[0].delta == tried.piece_marks[0].delta && match_one(batch, slot, i)) {
      slot.shape = static_cast<uint8_t>(i);
      return;
    }
  }
  slot.state = kLineDeclined;
  slot.path = static_cast<uint8_t>(LinePath::kShape);
}

bool LineMatcher::match_one(const LineBatch& batch, LineSlot& slot, uint32_t shape) const {
  const MatchTask task{batch.base,
                       &store_[shape].shape,
                       &minute_,
                       {batch.positions + slot.first, nullptr, nullptr, nullptr},
                       {&slot, nullptr, nullptr, nullptr}};
  return kernel_.match_one(&task) != 0;
}

}  // namespace mf
