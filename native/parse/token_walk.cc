#include "native/parse/token_walk.h"

#include <charconv>
#include <cstring>
#include <string>

#include "native/base/hash.h"
#include "native/parse/number.h"
#include "native/parse/text.h"

namespace mf {
namespace {

/// memcmp for keys: short, of equal length, and mostly equal.
inline bool same_bytes(const char* a, const char* b, size_t size) {
  if (size < 8) {
    return std::memcmp(a, b, size) == 0;
  }
  size_t i = 0;
  for (; i + 8 < size; i += 8) {
    if (load64(a + i) != load64(b + i)) {
      return false;
    }
  }
  return load64(a + size - 8) == load64(b + size - 8);
}

/// `kMended`: the text is a mended copy. `kEscapes`: there is a backslash somewhere in it.
template <bool kMended, bool kEscapes>
class Walk {
 public:
  Walk(const TokenizedLine& line, const PathTree& paths, KeyMemo& memo, Record& record)
      : line_(line), paths_(paths), memo_(memo), record_(record) {}

  WalkResult run() {
    if (peek() != '{') {
      return WalkResult::kRejected;
    }
    ++next_;
    if (!object<true>(PathTree::kRoot) || next_ != line_.count) {
      return WalkResult::kRejected;
    }
    return duplicate_ ? WalkResult::kDuplicateKey : WalkResult::kAccepted;
  }

 private:
  [[nodiscard]] char peek() const {
    return next_ < line_.count ? line_.text[line_.offsets[next_]] : '\0';
  }

  /// The token at `next_`. Between two tokens there is white space only: the next byte that is
  /// none begins a token, and simdjson puts the line's length behind the last offset.
  [[nodiscard]] std::string_view token() const {
    const uint32_t begin = line_.offsets[next_];
    uint32_t end = line_.offsets[next_ + 1];
    while (is_space(line_.text[end - 1])) {
      --end;
    }
    return {line_.text.data() + begin, end - begin};
  }

  template <bool kTop>
  bool object(PathTree::Node node) {
    if (++open_ > kContainersOpenMax) {
      return false;
    }
    if (peek() == '}') {
      return close();
    }
    for (uint32_t ordinal = 0;; ++ordinal) {
      PathTree::Node child = PathTree::kOutside;
      if (!(kTop ? top_key(ordinal, child) : key(node, child)) || peek() != ':') {
        return false;
      }
      ++next_;
      if (!value(child)) {
        return false;
      }
      const char after = peek();
      if (after == '}') {
        return close();
      }
      ++next_;
      if (after != ',') {
        return false;
      }
    }
  }

  bool array(PathTree::Node node) {
    if (++open_ > kContainersOpenMax) {
      return false;
    }
    if (peek() == ']') {
      return close();
    }
    const bool inside = paths_.has_children(node);
    for (uint32_t i = 0;; ++i) {
      if (!value(inside ? element(node, i) : PathTree::kOutside)) {
        return false;
      }
      const char after = peek();
      if (after == ']') {
        return close();
      }
      ++next_;
      if (after != ',') {
        return false;
      }
    }
  }

  bool close() {
    ++next_;
    --open_;
    return true;
  }

  /// A JSON Pointer names an array's element by its index, without leading zeros.
  [[nodiscard]] PathTree::Node element(PathTree::Node node, uint32_t i) const {
    std::array<char, 12> digits{};
    const auto* end = std::to_chars(digits.data(), digits.data() + digits.size(), i).ptr;
    return paths_.child(node, {digits.data(), static_cast<size_t>(end - digits.data())});
  }

  bool top_key(uint32_t ordinal, PathTree::Node& child) {
    if (kMended || ordinal >= memo_.at_ordinal.size()) {
      return key(PathTree::kRoot, child);
    }
    if (next_ >= line_.count) {
      return false;
    }
    KeyMemo::Entry& known = memo_.at_ordinal[ordinal];
    const std::string_view raw = token();
    if (raw.size() == known.size && same_bytes(raw.data(), known.raw.data(), raw.size())) {
      ++next_;
      child = known.node;
      return true;
    }
    if (!key(PathTree::kRoot, child)) {
      return false;
    }
    if (raw.size() <= known.raw.size() && raw.find('\\') == std::string_view::npos) {
      known.size = static_cast<uint32_t>(raw.size());
      known.node = child;
      std::memcpy(known.raw.data(), raw.data(), raw.size());
    }
    return true;
  }

  bool key(PathTree::Node node, PathTree::Node& child) {
    std::string_view raw;
    bool escaped = false;
    if (peek() != '"' || !string_token(raw, escaped) || !is_as_written(raw)) {
      return false;
    }
    const std::string_view content = raw.substr(1, raw.size() - 2);
    child = escaped ? paths_.child(node, unescape(content)) : paths_.child(node, content);
    return true;
  }

  bool value(PathTree::Node node) {
    const char first = peek();
    Value found;
    if (first == '"') {
      found.kind = ValueKind::kString;
      if (!string_token(found.raw, found.escaped)) {
        return false;
      }
    } else if (first == '{' || first == '[') {
      if (!container(node, first, found)) {
        return false;
      }
    } else if (!scalar_token(found)) {
      return false;
    }
    const int path = paths_.path_at(node);
    if (path == kNotMapped) {
      return true;
    }
    Value& kept = record_.values[static_cast<size_t>(path)];
    duplicate_ = duplicate_ || kept.kind != ValueKind::kMissing;
    kept = found;
    return is_as_written(found.raw);
  }

  bool container(PathTree::Node node, char first, Value& found) {
    const uint32_t begin = line_.offsets[next_];
    ++next_;
    if (!(first == '{' ? object<false>(node) : array(node))) {
      return false;
    }
    found.kind = ValueKind::kOther;
    found.raw = line_.text.substr(begin, line_.offsets[next_ - 1] + 1 - begin);
    return true;
  }

  /// The first stage refused a line with an unclosed string, so the token ends with its quote.
  bool string_token(std::string_view& raw, bool& escaped) {
    raw = token();
    ++next_;
    if (raw.size() < 2 || raw.back() != '"') {
      return false;
    }
    if constexpr (kEscapes) {
      const std::string_view content = raw.substr(1, raw.size() - 2);
      escaped = content.find('\\') != std::string_view::npos;
      return !escaped || escapes_are_valid(content);
    }
    return true;
  }

  bool scalar_token(Value& found) {
    if (next_ >= line_.count) {
      return false;
    }
    found.raw = token();
    ++next_;
    found.is_plain = read_plain(found.raw, found.plain);
    if (found.is_plain || is_json_number(found.raw)) {
      found.kind = ValueKind::kNumber;
      return true;
    }
    found.kind = found.raw == "null" ? ValueKind::kNull : ValueKind::kOther;
    return found.kind == ValueKind::kNull || found.raw == "true" || found.raw == "false";
  }

  [[nodiscard]] bool is_as_written(std::string_view part) const {
    if constexpr (kMended) {
      const auto at = static_cast<size_t>(part.data() - line_.text.data());
      return line_.original.substr(at, part.size()) == part;
    }
    return true;
  }

  const TokenizedLine& line_;
  const PathTree& paths_;
  KeyMemo& memo_;
  Record& record_;
  uint32_t next_ = 0;
  int open_ = 0;
  bool duplicate_ = false;
};

/// The common line, in one pass without decisions: flat, compact, without escapes, with the keys of
/// the memo in their order. False when the line is any other, good or bad: the walk decides it.
bool walk_flat(const TokenizedLine& line, const KeyMemo& memo, const PathTree& paths,
               Record& record) {
  // {"key":value,...}: an opening brace, then four tokens a member, the last of them , or }.
  const uint32_t members = line.count / 4;
  if (members == 0 || line.count % 4 != 1 || members > memo.at_ordinal.size()) {
    return false;
  }
  const char* text = line.text.data();
  if (text[line.offsets[0]] != '{' || text[line.offsets[line.count - 1]] != '}') {
    return false;
  }
  for (uint32_t i = 0; i < members; ++i) {
    const uint32_t* offsets = line.offsets + 1 + size_t{4} * i;
    const KeyMemo::Entry& known = memo.at_ordinal[i];
    const uint32_t key = offsets[0];
    const uint32_t begin = offsets[2];
    const uint32_t end = offsets[3];
    const char after = text[end];
    if (offsets[1] != key + known.size || begin != offsets[1] + 1 || text[begin - 1] != ':' ||
        !same_bytes(text + key, known.raw.data(), known.size) ||
        (after != ',' && (after != '}' || i + 1 != members))) {
      return false;
    }
    Value found;
    found.raw = {text + begin, end - begin};
    if (text[begin] == '"') {
      found.kind = ValueKind::kString;
      if (found.raw.size() < 2 || found.raw.back() != '"') {
        return false;
      }
    } else if (read_plain(found.raw, found.plain)) {
      found.kind = ValueKind::kNumber;
      found.is_plain = true;
    } else if (found.raw == "null") {
      found.kind = ValueKind::kNull;
    } else {
      return false;
    }
    const int path = paths.path_at(known.node);
    if (path != kNotMapped) {
      Value& kept = record.values[static_cast<size_t>(path)];
      if (kept.kind != ValueKind::kMissing) {
        return false;
      }
      kept = found;
    }
  }
  return true;
}

}  // namespace

WalkResult walk_tokens(const TokenizedLine& line, const PathTree& paths, KeyMemo& memo,
                       Record& record) {
  const bool escapes = std::memchr(line.text.data(), '\\', line.text.size()) != nullptr;
  if (!line.original.empty()) {
    return Walk<true, true>(line, paths, memo, record).run();
  }
  if (escapes) {
    return Walk<false, true>(line, paths, memo, record).run();
  }
  if (walk_flat(line, memo, paths, record)) {
    return WalkResult::kAccepted;
  }
  record.clear(paths.path_count());
  return Walk<false, false>(line, paths, memo, record).run();
}

}  // namespace mf
