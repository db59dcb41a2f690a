// Text inside a line: white space, well-formed UTF-8, escapes. Scalar code for the rare cases;
// the common case is decided by simdjson's index before any of this runs.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace mf {

/// White space of RFC 8259.
inline bool is_space(char c) {
  // Nearly no byte that is asked about is one; all four lie at or below the blank.
  return static_cast<unsigned char>(c) <= ' ' && (c == ' ' || c == '\t' || c == '\r' || c == '\n');
}

inline std::string_view trim(std::string_view text) {
  while (!text.empty() && is_space(text.front())) {
    text.remove_prefix(1);
  }
  while (!text.empty() && is_space(text.back())) {
    text.remove_suffix(1);
  }
  return text;
}

/// Bytes of the well-formed UTF-8 sequence at the start of `text` (Unicode table 3-7); 0 if none.
size_t utf8_sequence_bytes(std::string_view text);

/// Bytes of the valid escape at the start of `text`, which begins with a backslash: 2, 6, or 12
/// for a pair of surrogates; 0 when it is none, a lone surrogate included.
size_t escape_bytes(std::string_view text);

/// True when every backslash in `content`, the inside of a string, begins a valid escape.
bool escapes_are_valid(std::string_view content);

/// Appends the text that `content` stands for. Escapes must be valid.
void append_unescaped(std::string& out, std::string_view content);

/// The same as a text of its own.
inline std::string unescape(std::string_view content) {
  std::string out;
  append_unescaped(out, content);
  return out;
}

}  // namespace mf
