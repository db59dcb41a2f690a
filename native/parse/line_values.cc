// What a matched line says: settles what the kernel left open, reads values, learns shapes.

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "native/parse/line_matcher.h"
#include "native/parse/number.h"
#include "native/parse/utf8.h"

namespace mf {
namespace {

std::string_view text_at(const LineBatch& batch, const LineSlot& slot, const Span& span) {
  const uint16_t* at = batch.positions + slot.first;
  const auto place = [at](Mark mark) { return static_cast<size_t>(at[mark.rank] + mark.delta); };
  const size_t begin = place(span.begin);
  const size_t end = place(span.end);
  // Where a number should be, the literal bytes around it may overlap: then there is none.
  return {batch.base + begin, end > begin ? end - begin : 0};
}

Value value_at(const LineBatch& batch, const LineSlot& slot, const ShapeValue& value) {
  Value found;
  found.kind = value.kind;
  if (value.kind == ValueKind::kMissing) {
    return found;
  }
  found.raw = text_at(batch, slot, value.span);
  if (value.kind == ValueKind::kNumber) {
    found.is_plain = read_plain(found.raw, found.plain);
  } else if (value.kind == ValueKind::kString && batch.has_escapes) {
    found.escaped = found.content().find('\\') != std::string_view::npos;
  }
  return found;
}

/// True of a time of the usual form, to the ms and in UTC.
bool has_usual_form(std::string_view text) {
  constexpr std::string_view kForm = "2026-11-22T12:00:00.000Z";
  return text.size() == kForm.size() && text[16] == ':' && text[19] == '.' && text[23] == 'Z';
}

/// Seconds and ms of such a time, in ms.
int64_t ms_in_minute(std::string_view text) {
  const auto digit = [text](size_t i) { return int64_t{text[i]} - '0'; };
  return digit(17) * 10'000 + digit(18) * 1000 + digit(20) * 100 + digit(21) * 10 + digit(22);
}

/// Reads a time of the usual form that lies in this minute.
bool read_in_minute(std::string_view text, const MinuteMemo& minute, int64_t& ms) {
  const auto is_digit = [text](size_t i) { return text[i] >= '0' && text[i] <= '9'; };
  if (!has_usual_form(text) || !text.starts_with({minute.text, sizeof minute.text}) ||
      !is_digit(17) || text[17] > '5' || !is_digit(18) || !is_digit(20) || !is_digit(21) ||
      !is_digit(22)) {
    return false;
  }
  ms = minute.ms + ms_in_minute(text);
  return true;
}

/// Keeps of a time that was read what lines of the same minute have in common.
void remember_minute(std::string_view text, int64_t ms, MinuteMemo& minute) {
  if (has_usual_form(text)) {
    std::memcpy(minute.text, text.data(), sizeof minute.text);
    minute.ms = ms - ms_in_minute(text);
  }
}

}  // namespace

void LineMatcher::settle(LineBatch& batch) {
  uint32_t tried = 0;
  uint32_t matched = 0;
  for (uint32_t i = 0; i < batch.count; ++i) {
    LineSlot& slot = batch.slots[i];
    if (slot.state != kLineDeclined) {
      settle_line(batch, slot);
    }
    const bool declined = slot.state == kLineDeclined;
    matched += declined ? 0 : 1;
    tried += declined && slot.path == static_cast<uint8_t>(LinePath::kEnvelope) ? 0 : 1;
  }
  store_.count(tried, matched);
  if (lines_of_other_minute_ * 2 > batch.count) {
    std::swap(minute_, other_minute_);
  }
  lines_of_other_minute_ = 0;
}

void LineMatcher::settle_line(const LineBatch& batch, LineSlot& slot) {
  const auto decline = [&slot](LinePath why) {
    slot.state = kLineDeclined;
    slot.path = static_cast<uint8_t>(why);
  };
  LearnedShape& learned = store_[slot.shape];
  if (index_.has_doubts() && index_.has_doubt(slot.begin, slot.end)) {
    return decline(LinePath::kEscape);
  }
  if (!index_.is_utf8() && !is_utf8({batch.base + slot.begin, slot.end - slot.begin})) {
    return decline(LinePath::kUtf8);
  }
  if (slot.end - slot.begin > options_.line_bytes_max) {
    return decline(LinePath::kLong);
  }
  ++learned.matches;
  if ((slot.state & kOddNumber) != 0 && !settle_numbers(batch, slot)) {
    return decline(LinePath::kNumber);
  }
  if ((slot.state & (kOddNumber | kOddTime)) != 0) {
    settle_clock(batch, slot);
  }
  slot.state = is_simple(batch, slot) ? kLineSimple : kLineRecord;
}

/// Numbers that are not 1 to 8 digits: false when one of them is no number. What is no plain amount
/// is left to the rules of amounts.
bool LineMatcher::settle_numbers(const LineBatch& batch, LineSlot& slot) const {
  const LearnedShape& learned = store_[slot.shape];
  const Shape& shape = learned.shape;
  for (uint32_t i = 0; i < shape.plain_numbers; ++i) {
    if (!is_json_number(text_at(batch, slot, shape.numbers[i]))) {
      return false;
    }
  }
  for (uint32_t i = 0; i < kAmounts; ++i) {
    if (shape.amount_masks[i] == 0) {
      continue;
    }
    const std::string_view digits = text_at(batch, slot, shape.amounts[i]);
    uint64_t amount = 0;
    if (!digits.empty() && read_plain(digits, amount)) {
      slot.totals[1 + i] = static_cast<int64_t>(amount);
      continue;
    }
    if (learned.amount_kinds[i] == ValueKind::kNumber && !is_json_number(digits)) {
      return false;
    }
    slot.state = kLineRecord | (slot.state & kOddTime);
  }
  slot.totals[4] = slot.totals[3] / 1000;
  return true;
}

/// A start time of another minute than the last one, or of another form; or after the duration
/// changed. Without a time that can be read, the envelope's counts.
void LineMatcher::settle_clock(const LineBatch& batch, LineSlot& slot) {
  const int path = format_.role(Role::kStartTime);
  if (path == kNotMapped) {
    slot.state = kLineRecord;
    return;
  }
  const Value start = value_at(batch, slot, store_[slot.shape].values[static_cast<size_t>(path)]);
  const bool is_text = start.kind == ValueKind::kString && !start.escaped;
  int64_t ms = 0;
  if (is_text && read_in_minute(start.content(), other_minute_, ms)) {
    ++lines_of_other_minute_;
  } else if (!read_start_time(start, date_, ms)) {
    slot.state = kLineRecord;
    return;
  } else if (is_text) {
    remember_minute(start.content(), ms, other_minute_);
  }
  slot.clock_ms = ms + slot.totals[3];
}

bool LineMatcher::is_simple(const LineBatch& batch, const LineSlot& slot) const {
  const LearnedShape& learned = store_[slot.shape];
  if ((slot.state & kLineSimple) == 0 || !learned.is_simple || options_.has_exclusions) {
    return false;
  }
  if (learned.details.kind == ValueKind::kMissing) {
    return true;
  }
  const Value details = value_at(batch, slot, learned.details);
  return !details.escaped && details.content() != "internal_redirect";
}

void LineMatcher::read(const LineBatch& batch, const LineSlot& slot, Record& record) const {
  read(batch, slot, store_[slot.shape], record);
}

void LineMatcher::read(const LineBatch& batch, const LineSlot& slot, const LearnedShape& learned,
                       Record& record) {
  for (size_t path = 0; path < learned.values.size(); ++path) {
    record.values[path] = value_at(batch, slot, learned.values[path]);
  }
  record.lenient = false;
}

uint32_t LineMatcher::read_key(const LineBatch& batch, const LineSlot& slot, KeyBlock* key) const {
  const LearnedShape& learned = store_[slot.shape];
  uint32_t blocks = 0;
  for (size_t part = 0; part < learned.key_parts; ++part) {
    const std::string_view text = text_at(batch, slot, learned.key[part]);
    if (blocks + key_blocks_of(static_cast<uint32_t>(text.size())) > kKeyBlocksMax) {
      return 0;
    }
    blocks += put_key_text(text, &key[blocks]);
  }
  return blocks;
}

std::string_view LineMatcher::content(const LineBatch& batch, const LineSlot& slot) const {
  const int16_t open = store_[slot.shape].shape.piece_marks[0].delta;
  const auto begin = static_cast<size_t>(batch.positions[slot.first] + open);
  return {batch.base + begin, slot.end - 1 - begin};
}

std::string_view LineMatcher::envelope_time(const LineBatch& batch, const LineSlot& slot) const {
  if (envelope_ != Envelope::kCri) {
    return {};
  }
  const std::string_view line(batch.base + slot.begin, slot.end - slot.begin);
  return line.substr(0, line.find(' '));
}

void LineMatcher::learn(std::string_view line, const Record& record) {
  if (!store_.wants_more()) {
    return;
  }
  std::unique_ptr<LearnedShape> learned = learn_shape(line, format_, paths_);
  if (learned != nullptr && fits(line, *learned, record)) {
    store_.add(std::move(learned));
  }
}

/// True when the shape matches the line that it was learned from, with the same values.
bool LineMatcher::fits(std::string_view line, const LearnedShape& learned,
                       const Record& record) const {
  std::string padded(kPaddingBytes, ' ');
  padded.append(line).append(1, '\n').append(kPaddingBytes, ' ');
  std::vector<uint16_t> positions(line.size() + 65);
  std::vector<uint32_t> doubts(line.size() / 64 + 2);
  EscapeState escapes{};
  escapes.doubts = doubts.data();
  LineBatch batch;
  batch.base = padded.data() + kPaddingBytes;
  batch.positions = positions.data();
  batch.has_escapes = true;
  const auto size = static_cast<uint32_t>(line.size()) + 1;
  const IndexResult found = kernel_.index(batch.base, 0, size, positions.data(), &escapes);
  LineSlot& slot = batch.slots[0];
  slot.first = 0;
  const MatchTask task{batch.base, &learned.shape, &minute_, {positions.data()}, {&slot}};
  if (found.count != learned.shape.specials || kernel_.match_one(&task) == 0) {
    return false;
  }
  Record read_back;
  read(batch, slot, learned, read_back);
  for (size_t path = 0; path < learned.values.size(); ++path) {
    const Value& expected = record.values[path];
    const Value& value = read_back.values[path];
    if (value.kind != expected.kind || value.raw != expected.raw ||
        value.escaped != expected.escaped || value.is_plain != expected.is_plain) {
      return false;
    }
  }
  return true;
}

}  // namespace mf
