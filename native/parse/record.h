// One accepted line: where its mapped values are. Views point into the line, or into the parser's
// mended copy of it, and live until the parser reads the next line.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "native/base/limits.h"
#include "native/parse/format.h"

namespace mf {

/// Digits of a number that surely fit 64 bits.
inline constexpr size_t kPlainDigitsMax = 15;

enum class ValueKind : uint8_t { kMissing, kNull, kString, kNumber, kOther };

struct Value {
  /// The token as written, quotes included: what "raw bytes" means in DESIGN 4.6.
  std::string_view raw;
  ValueKind kind = ValueKind::kMissing;
  /// A string with at least one backslash.
  bool escaped = false;
  /// A number of at most kPlainDigitsMax digits and nothing else: `plain` is its value.
  bool is_plain = false;
  uint64_t plain = 0;

  /// The inside of a string, as written.
  [[nodiscard]] std::string_view content() const { return raw.substr(1, raw.size() - 2); }

  /// `null`, `""`, `"-"` and a missing key say that there is nothing (DESIGN 4.3, 4.5, 4.6).
  [[nodiscard]] bool is_absent() const {
    return kind == ValueKind::kMissing || kind == ValueKind::kNull ||
           (kind == ValueKind::kString && (raw.size() == 2 || raw == "\"-\"")) || is_escaped_dash();
  }

 private:
  [[nodiscard]] bool is_escaped_dash() const {
    return escaped && (raw == "\"\\u002d\"" || raw == "\"\\u002D\"");
  }
};

struct Record {
  std::array<Value, kPathsMax> values;
  /// The line had to be mended.
  bool lenient = false;

  /// Forgets the values of the first `path_count` paths.
  void clear(size_t path_count) {
    for (size_t path = 0; path < path_count; ++path) {
      values[path] = Value{};
    }
  }

  /// The value of path `index`; of a role that is not mapped (kNotMapped), a missing one.
  [[nodiscard]] const Value& at(int index) const {
    static constexpr Value kMissing;
    return index == kNotMapped ? kMissing : values[static_cast<size_t>(index)];
  }
};

}  // namespace mf
