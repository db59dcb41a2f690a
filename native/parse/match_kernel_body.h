// The shape match, once for all instruction sets: included by each match_kernel_<set>.cc, inside
// its own namespace and target region, behind the vector operations that it is written in.
//
// Index. One pass writes the positions of all special bytes: quotes and control bytes. Quotes that
// are escaped are none.
//
// Match. In a line of a known shape the n-th special byte always plays the same part, so the place
// of each key and value is a load from the index and not the end of a chain of searches. Literal
// bytes are compared without a branch, four lines at a time, so that each piece of the shape is
// loaded once for all of them. Every byte is proven:
//   - literal bytes are equal to the shape's. They hold all special bytes of the shape, at offsets
//     that are compared, so each special byte of the line is the one that the shape means;
//   - between the quotes of a string is no special byte, because the ranks of the two differ by
//     one: no control byte, no quote, and no backslash but of escapes that the index has checked.
//     What is above 0x7F the caller checks (UTF-8);
//   - numbers have 1 to 8 digits without leading zeros, or are marked as odd for the caller.
//
// Escapes. Of a block of 64 bytes with backslashes the index finds which bytes they escape (odd
// runs of backslashes, as simdjson does), leaves both out, and checks that each escape is valid,
// with masks. A block with a fault, or with a surrogate, whose partner would have to be looked for,
// is only noted: a line that touches it is declined.
//
// Nothing here reads more than kPaddingBytes before or behind the lines.

// ---- index ----

/// The bytes that are escaped, and in `starts` the backslashes that escape them: simdjson's
/// arithmetic on odd runs. `escaped_first` says whether the first byte is, and then for the next.
MF_INLINE uint64_t escaped_bytes(uint64_t backslashes, uint64_t* escaped_first, uint64_t* starts) {
  const uint64_t odd_bits = 0xAAAAAAAAAAAAAAAAULL;
  const uint64_t potential = backslashes & ~*escaped_first;
  const uint64_t codes = (((potential << 1) | odd_bits) - potential) ^ odd_bits;
  const uint64_t escaped = codes ^ (backslashes | *escaped_first);
  *starts = codes & backslashes;
  *escaped_first = *starts >> 63;
  return escaped;
}

/// True when all escapes that touch the block are valid and none is a surrogate.
MF_INLINE bool escapes_are_plain(Block block, uint64_t escaped, EscapeState* state) {
  const uint64_t letters = either_byte(block, 'b', 'f') | either_byte(block, 'n', 'r') |
                           either_byte(block, '"', '\\') | either_byte(block, '/', 't');
  const uint64_t units = escaped & either_byte(block, 'u', 'u');
  const uint64_t digits = units << 1 | units << 2 | units << 3 | units << 4 | state->unit_digits;
  const uint64_t first_digits = units << 1 | state->unit;
  const uint64_t after_d = (first_digits & either_byte(block, 'd', 'D'));
  const uint64_t high_second = (after_d << 1 | state->high_unit) & high_hex_mask(block);
  const uint64_t faults =
      (escaped & ~(letters | units)) | (digits & ~hex_mask(block)) | high_second;
  state->unit_digits = units >> 63 | units >> 62 | units >> 61 | units >> 60;
  state->unit = units >> 63;
  state->high_unit = after_d >> 63;
  return faults == 0;
}

/// Special bytes of a block in which backslashes may be, or which an escape that began before
/// reaches into: those that are not escaped. Sets `doubts` where an escape is not plain.
MF_INLINE uint64_t unescaped_mask(Block block, uint64_t specials, uint64_t inside, uint32_t at,
                                  EscapeState* state) {
  const uint64_t backslashes = either_byte(block, '\\', '\\') & inside;
  uint64_t starts = 0;
  const uint64_t escaped = escaped_bytes(backslashes, &state->escaped, &starts);
  if (!escapes_are_plain(block, escaped & inside, state)) {
    state->doubts[state->doubt_count++] = at;
  }
  state->seen |= backslashes != 0;
  return specials & ~(escaped & either_byte(block, '"', '"'));
}

MF_KERNEL IndexResult index_specials(const char* base, uint32_t from, uint32_t to,
                                     uint16_t* positions, EscapeState* state) {
  const Classes classes = load_classes();
  Seen seen = nothing_seen();
  uint16_t* out = positions;
  uint32_t at = from;
  uint64_t open = state->escaped | state->unit_digits;
  for (; at + 128 <= to; at += 128) {
    const Block first = load_block(base + at);
    const Block second = load_block(base + at + 64);
    seen = see(seen, first, second);
    uint64_t one = special_mask(first, classes);
    uint64_t other = special_mask(second, classes);
    if (__builtin_expect((uint64_t)has_backslash(first, second) | open, 0) != 0) {
      one = unescaped_mask(first, one, ~0ULL, at, state);
      other = unescaped_mask(second, other, ~0ULL, at + 64, state);
      open = state->escaped | state->unit_digits;
    }
    out = put_positions(out, one, at);
    out = put_positions(out, other, at + 64);
  }
  for (; at < to; at += 64) {
    const Block block = load_block(base + at);
    const uint64_t inside = to - at >= 64 ? ~0ULL : ~0ULL >> (64 - (to - at));
    seen = see(seen, block, block);
    const uint64_t specials = special_mask(block, classes) & inside;
    out = put_positions(out, unescaped_mask(block, specials, inside, at, state), at);
  }
  return {(uint32_t)(out - positions), any_high(seen)};
}

// ---- match ----

MF_INLINE uint64_t load_word(const char* text) {
  uint64_t word;
  memcpy(&word, text, sizeof word);
  return word;
}

MF_INLINE uint32_t place_of(const uint16_t* at, Mark mark) {
  return (uint32_t)(at[mark.rank] + mark.delta);
}

/// The digits of a number in the last bytes of a word, as values 0 to 9, zeros before them. Sets
/// bits in `odd` when it has not 1 to 8 bytes, or a leading zero; what is no digit is above 9.
MF_INLINE uint64_t digits_of(const char* base, const uint16_t* at, const Span* span,
                             uint32_t* odd) {
  const uint32_t end = place_of(at, span->end);
  const uint32_t size = end - place_of(at, span->begin);
  const uint64_t word = load_word(base + end - 8) ^ 0x3030303030303030ULL;
  const uint32_t others = (0U - 8 * size) & 63;  // bits of the word before the number
  const uint64_t digits = word >> others;
  const uint32_t leading_zero = (uint8_t)digits == 0 && size != 1;
  *odd |= ((size - 1) & ~7U) | leading_zero;
  return digits << others;
}

/// Not 0 when a byte is above 9.
MF_INLINE uint64_t above_nine(uint64_t digits) {
  return ((digits + 0x7676767676767676ULL) | digits) & 0x8080808080808080ULL;
}

/// Of `:SS.mmmZ`, seconds and ms as digits like those of a number; sets bits in `odd` when it is
/// anything else, or seconds are above 59.
MF_INLINE uint64_t second_digits(const char* text, uint64_t* odd) {
  const uint64_t word = load_word(text) ^ 0x5A3030302E30303AULL;
  *odd |= ((word + 0x7F7676767F767A7FULL) | word) & 0x8080808080808080ULL;
  return (word & 0x0000000000FFFF00ULL) << 16 | (word & 0x00FFFFFF00000000ULL) << 8;
}

/// Amounts, clock and state of a line whose literal bytes are the shape's.
MF_INLINE void read_values(const MatchTask* task, uint32_t line) {
  const Shape* shape = task->shape;
  const char* base = task->base;
  const uint16_t* at = task->at[line];
  LineSlot* slot = task->slots[line];
  uint32_t odd_number = 0;
  uint64_t odd_digit = 0;
  for (uint32_t i = 0; i < shape->plain_numbers; ++i) {
    odd_digit |= above_nine(digits_of(base, at, &shape->numbers[i], &odd_number));
  }
  uint64_t digits[4];
  for (uint32_t i = 0; i < kAmounts; ++i) {
    digits[i] = digits_of(base, at, &shape->amounts[i], &odd_number) & shape->amount_masks[i];
  }
  uint64_t odd_time = 1;
  digits[3] = 0;
  if (__builtin_expect(shape->has_start != 0, 1)) {
    const uint32_t start = place_of(at, shape->start.begin);
    odd_time = place_of(at, shape->start.end) - start - 24;
    digits[3] = second_digits(base + start + 16, &odd_time);
    odd_time |= !same_sixteen(base + start, task->minute->text);
  }
  uint64_t values[4];
  odd_digit |= values_of(digits, values);
  slot->totals[0] = 1;
  slot->totals[1] = (int64_t)values[0];
  slot->totals[2] = (int64_t)values[1];
  slot->totals[3] = (int64_t)values[2];
  slot->totals[4] = (int64_t)((uint32_t)values[2] / 1000U);
  slot->clock_ms = task->minute->ms + (int64_t)(values[3] + values[2]);
  slot->state = (uint8_t)(kLineSimple | (odd_number != 0 || odd_digit != 0 ? kOddNumber : 0) |
                          (odd_time != 0 ? kOddTime : 0));
}

MF_KERNEL uint32_t match_one(const MatchTask* task) {
  const Shape* shape = task->shape;
  Difference difference = no_difference();
  for (uint32_t i = 0; i < shape->pieces; ++i) {
    const Mark mark = shape->piece_marks[i];
    const char* base = task->base + mark.delta;
    const Piece piece = load_piece(&shape->literal[i]);
    difference = differ(difference, base + task->at[0][mark.rank], piece);
  }
  if (!is_none(difference)) {
    return 0;
  }
  read_values(task, 0);
  return 1;
}

MF_KERNEL uint32_t match_four(const MatchTask* task) {
  const Shape* shape = task->shape;
  const uint16_t* at0 = task->at[0];
  const uint16_t* at1 = task->at[1];
  const uint16_t* at2 = task->at[2];
  const uint16_t* at3 = task->at[3];
  Difference difference0 = no_difference();
  Difference difference1 = no_difference();
  Difference difference2 = no_difference();
  Difference difference3 = no_difference();
  for (uint32_t i = 0; i < shape->pieces; ++i) {
    const Mark mark = shape->piece_marks[i];
    const char* base = task->base + mark.delta;
    const Piece piece = load_piece(&shape->literal[i]);
    difference0 = differ(difference0, base + at0[mark.rank], piece);
    difference1 = differ(difference1, base + at1[mark.rank], piece);
    difference2 = differ(difference2, base + at2[mark.rank], piece);
    difference3 = differ(difference3, base + at3[mark.rank], piece);
  }
  const uint32_t same = (uint32_t)is_none(difference0) | (uint32_t)is_none(difference1) << 1 |
                        (uint32_t)is_none(difference2) << 2 | (uint32_t)is_none(difference3) << 3;
  for (uint32_t line = 0; line < 4; ++line) {
    if ((same >> line & 1) != 0) {
      read_values(task, line);
    }
  }
  return same;
}
