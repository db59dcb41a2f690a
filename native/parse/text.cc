#include "native/parse/text.h"

#include <algorithm>
#include <cstdint>

namespace mf {
namespace {

uint8_t byte_at(std::string_view text, size_t i) {
  return static_cast<uint8_t>(text[i]);
}

bool is_continuation(std::string_view text, size_t i) {
  return i < text.size() && (byte_at(text, i) & 0xC0) == 0x80;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/// The code unit of the `\uXXXX` at the start of `text`; -1 when there is none.
int32_t code_unit(std::string_view text) {
  if (text.size() < 6 || text[0] != '\\' || text[1] != 'u') {
    return -1;
  }
  int32_t unit = 0;
  for (size_t i = 2; i < 6; ++i) {
    const int digit = hex_digit(text[i]);
    if (digit < 0) {
      return -1;
    }
    unit = unit * 16 + digit;
  }
  return unit;
}

bool is_high_surrogate(int32_t unit) {
  return unit >= 0xD800 && unit <= 0xDBFF;
}
bool is_low_surrogate(int32_t unit) {
  return unit >= 0xDC00 && unit <= 0xDFFF;
}

void append_utf8(std::string& out, uint32_t code_point) {
  const auto put = [&out](uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code_point < 0x80) {
    put(code_point);
  } else if (code_point < 0x800) {
    put(0xC0 | code_point >> 6);
    put(0x80 | (code_point & 0x3F));
  } else if (code_point < 0x10000) {
    put(0xE0 | code_point >> 12);
    put(0x80 | (code_point >> 6 & 0x3F));
    put(0x80 | (code_point & 0x3F));
  } else {
    put(0xF0 | code_point >> 18);
    put(0x80 | (code_point >> 12 & 0x3F));
    put(0x80 | (code_point >> 6 & 0x3F));
    put(0x80 | (code_point & 0x3F));
  }
}

char short_escape(char c) {
  switch (c) {
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return c;
  }
}

}  // namespace

size_t utf8_sequence_bytes(std::string_view text) {
  const uint8_t lead = byte_at(text, 0);
  if (lead < 0x80) {
    return 1;
  }
  if (lead >= 0xC2 && lead <= 0xDF) {
    return is_continuation(text, 1) ? 2 : 0;
  }
  if (lead >= 0xE0 && lead <= 0xEF) {
    if (!is_continuation(text, 1) || !is_continuation(text, 2)) {
      return 0;
    }
    const uint8_t second = byte_at(text, 1);
    const bool overlong = lead == 0xE0 && second < 0xA0;
    const bool surrogate = lead == 0xED && second > 0x9F;
    return overlong || surrogate ? 0 : 3;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    if (!is_continuation(text, 1) || !is_continuation(text, 2) || !is_continuation(text, 3)) {
      return 0;
    }
    const uint8_t second = byte_at(text, 1);
    const bool overlong = lead == 0xF0 && second < 0x90;
    const bool too_high = lead == 0xF4 && second > 0x8F;
    return overlong || too_high ? 0 : 4;
  }
  return 0;
}

size_t escape_bytes(std::string_view text) {
  if (text.size() < 2) {
    return 0;
  }
  if (text[1] != 'u') {
    constexpr std::string_view kShort = "\"\\/bfnrt";
    return kShort.find(text[1]) == std::string_view::npos ? 0 : 2;
  }
  const int32_t unit = code_unit(text);
  if (unit < 0 || is_low_surrogate(unit)) {
    return 0;
  }
  if (!is_high_surrogate(unit)) {
    return 6;
  }
  return is_low_surrogate(code_unit(text.substr(6))) ? 12 : 0;
}

bool escapes_are_valid(std::string_view content) {
  for (size_t i = content.find('\\'); i != std::string_view::npos; i = content.find('\\', i)) {
    const size_t size = escape_bytes(content.substr(i));
    if (size == 0) {
      return false;
    }
    i += size;
  }
  return true;
}

void append_unescaped(std::string& out, std::string_view content) {
  out.reserve(out.size() + content.size());
  for (size_t i = 0; i < content.size();) {
    const size_t backslash = std::min(content.find('\\', i), content.size());
    out.append(content.data() + i, backslash - i);
    i = backslash;
    if (i == content.size()) {
      return;
    }
    const std::string_view rest = content.substr(i);
    const size_t size = escape_bytes(rest);
    if (size <= 2) {
      out.push_back(short_escape(rest.size() > 1 ? rest[1] : '\\'));
    } else if (size == 6) {
      append_utf8(out, static_cast<uint32_t>(code_unit(rest)));
    } else {
      const auto high = static_cast<uint32_t>(code_unit(rest)) - 0xD800;
      const auto low = static_cast<uint32_t>(code_unit(rest.substr(6))) - 0xDC00;
      append_utf8(out, 0x10000 + (high << 10 | low));
    }
    i += size == 0 ? 1 : size;
  }
}

}  // namespace mf
