#include "native/parse/mend.h"

#include "native/parse/text.h"

namespace mf {
namespace {

bool ends_token(char c) {
  return is_space(c) || c == '"' || c == ',' || c == ':' || c == '{' || c == '}' || c == '[' ||
         c == ']';
}

bool is_not_finite(std::string_view token) {
  return token == "inf" || token == "-inf" || token == "nan" || token == "-nan";
}

/// Mends the inside of the string that begins at `i`; returns the index behind its closing quote.
size_t mend_string(std::string_view line, size_t i, std::string& out, bool& changed) {
  while (i < line.size() && line[i] != '"') {
    const std::string_view rest = line.substr(i);
    const size_t size = line[i] == '\\' ? escape_bytes(rest) : utf8_sequence_bytes(rest);
    if (size == 0) {
      out[i] = '?';
      changed = true;
    }
    i += size == 0 ? 1 : size;
  }
  return i + 1;
}

}  // namespace

bool mend(std::string_view line, std::string& out) {
  out.assign(line);
  bool changed = false;
  for (size_t i = 0; i < line.size();) {
    if (line[i] == '"') {
      i = mend_string(line, i + 1, out, changed);
      continue;
    }
    size_t end = i;
    while (end < line.size() && !ends_token(line[end])) {
      ++end;
    }
    if (is_not_finite(line.substr(i, end - i))) {
      out.replace(i, end - i, end - i, ' ');
      out[i] = '0';
      changed = true;
    }
    i = end == i ? end + 1 : end;
  }
  return changed;
}

}  // namespace mf
