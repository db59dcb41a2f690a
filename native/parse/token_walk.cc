#include "native/parse/token_walk.h"

#include <charconv>
#include <cstring>
#include <string>

#include "native/parse/number.h"
#include "native/parse/text.h"

namespace mf {

TokenWalk::TokenWalk(std::string_view line, std::string_view original, const uint32_t* offsets,
                     uint32_t count, const PathTree& paths, Record& record)
    : line_(line),
      original_(original),
      offsets_(offsets),
      count_(count),
      paths_(paths),
      record_(record),
      has_backslash_(std::memchr(line.data(), '\\', line.size()) != nullptr) {}

bool TokenWalk::run() {
  if (peek() != '{') {
    return false;
  }
  ++next_;
  return object(PathTree::kRoot) && next_ == count_;
}

bool TokenWalk::object(PathTree::Node node) {
  if (++open_ > kContainersOpenMax) {
    return false;
  }
  if (peek() == '}') {
    ++next_;
    --open_;
    return true;
  }
  for (;;) {
    PathTree::Node child = PathTree::kOutside;
    if (!key(node, child) || peek() != ':') {
      return false;
    }
    ++next_;
    if (!value(child)) {
      return false;
    }
    const char after = peek();
    ++next_;
    if (after == '}') {
      --open_;
      return true;
    }
    if (after != ',') {
      return false;
    }
  }
}

bool TokenWalk::array(PathTree::Node node) {
  if (++open_ > kContainersOpenMax) {
    return false;
  }
  if (peek() == ']') {
    ++next_;
    --open_;
    return true;
  }
  const bool inside = paths_.has_children(node);
  for (uint32_t i = 0;; ++i) {
    PathTree::Node child = PathTree::kOutside;
    if (inside) {
      // A JSON Pointer names an array's element by its index, without leading zeros.
      std::array<char, 12> digits{};
      const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), i).ptr;
      child = paths_.child(node, {digits.data(), static_cast<size_t>(end - digits.data())});
    }
    if (!value(child)) {
      return false;
    }
    const char after = peek();
    ++next_;
    if (after == ']') {
      --open_;
      return true;
    }
    if (after != ',') {
      return false;
    }
  }
}

bool TokenWalk::key(PathTree::Node node, PathTree::Node& child) {
  std::string_view raw;
  bool escaped = false;
  if (peek() != '"' || !string_token(raw, escaped)) {
    return false;
  }
  if (!is_as_written(raw)) {
    return false;
  }
  const std::string_view content = raw.substr(1, raw.size() - 2);
  child = escaped ? paths_.child(node, unescape(content)) : paths_.child(node, content);
  return true;
}

bool TokenWalk::value(PathTree::Node node) {
  const int path = paths_.path_at(node);
  const char first = peek();
  Value found;
  if (first == '"') {
    found.kind = ValueKind::kString;
    if (!string_token(found.raw, found.escaped)) {
      return false;
    }
  } else if (first == '{' || first == '[') {
    found.kind = ValueKind::kOther;
    const uint32_t begin = offset();
    ++next_;
    if (!(first == '{' ? object(node) : array(node))) {
      return false;
    }
    found.raw = line_.substr(begin, offsets_[next_ - 1] + 1 - begin);
  } else if (!scalar_token(found.raw, found.kind)) {
    return false;
  }
  if (path == kNotMapped) {
    return true;
  }
  if (!is_as_written(found.raw)) {
    return false;
  }
  keep(path, found);
  return true;
}

void TokenWalk::keep(int path, const Value& found) {
  Value& kept = record_.values[static_cast<size_t>(path)];
  if (kept.kind != ValueKind::kMissing) {
    duplicate_ = true;
    return;
  }
  kept = found;
}

std::string_view TokenWalk::token() const {
  // Between two tokens there is white space only: the next byte that is none begins a token.
  uint32_t end = next_ + 1 < count_ ? offsets_[next_ + 1] : static_cast<uint32_t>(line_.size());
  while (is_space(line_[end - 1])) {
    --end;
  }
  return line_.substr(offset(), end - offset());
}

bool TokenWalk::string_token(std::string_view& raw, bool& escaped) {
  // The first stage refused a line with an unclosed string, so the token ends with its quote.
  raw = token();
  ++next_;
  if (raw.size() < 2 || raw.back() != '"') {
    return false;
  }
  if (!has_backslash_) {
    return true;
  }
  const std::string_view content = raw.substr(1, raw.size() - 2);
  escaped = content.find('\\') != std::string_view::npos;
  return !escaped || escapes_are_valid(content);
}

bool TokenWalk::scalar_token(std::string_view& raw, ValueKind& kind) {
  if (next_ >= count_) {
    return false;
  }
  raw = token();
  ++next_;
  if (raw == "null") {
    kind = ValueKind::kNull;
    return true;
  }
  if (raw == "true" || raw == "false") {
    kind = ValueKind::kOther;
    return true;
  }
  kind = ValueKind::kNumber;
  return is_json_number(raw);
}

bool TokenWalk::is_as_written(std::string_view part) const {
  if (original_.empty()) {
    return true;
  }
  const auto at = static_cast<size_t>(part.data() - line_.data());
  return original_.substr(at, part.size()) == part;
}

}  // namespace mf
