// Learning a shape. The line was accepted, so this walk needs no checks of its own but for what a
// shape cannot say. It lists the values, that is, all strings and numbers but keys, and notes which
// of them are mapped; what lies between is literal. The text of a log type is literal too: there
// are few, and then the shape itself says that its lines are requests.
//
// Whether the result is right does not depend on this walk: a shape is only used after its own line
// matched it with the values that the reference parser gave (LineMatcher::learn).

#include <algorithm>
#include <array>
#include <charconv>

#include "native/base/limits.h"
#include "native/parse/learned_shape.h"
#include "native/parse/text.h"

namespace mf {
namespace {

/// Bytes of a line, from the first to the one behind the last.
struct Range {
  uint32_t begin = 0;
  uint32_t end = 0;
};

/// A mapped value as the walk finds it.
struct FoundValue {
  ValueKind kind = ValueKind::kMissing;
  Range range;
};

/// What a line consists of.
struct LineParts {
  /// Offsets of special bytes: quotes of strings, and the LF behind the line.
  std::vector<uint32_t> specials;
  /// Strings without their quotes, and numbers: what differs from line to line.
  std::vector<Range> variables;
  /// Numbers among them.
  std::vector<Range> numbers;
  std::vector<FoundValue> mapped;
};

class LineWalk {
 public:
  LineWalk(std::string_view line, const PathTree& paths, int literal_path)
      : line_(line), paths_(paths), literal_path_(literal_path) {
    parts_.mapped.resize(paths.path_count());
  }

  /// False when the line has something that no shape has.
  bool run() {
    if (line_.size() > INT16_MAX || !value(PathTree::kRoot, 0) || at_ != line_.size()) {
      return false;
    }
    parts_.specials.push_back(at_);
    return true;
  }

  [[nodiscard]] const LineParts& parts() const { return parts_; }

 private:
  [[nodiscard]] char peek() const { return at_ < line_.size() ? line_[at_] : '\0'; }
  void skip_space() {
    // A CR or LF is a special byte: a line with one in it has no shape.
    while (peek() == ' ') {
      ++at_;
    }
  }

  bool value(PathTree::Node node, int depth) {
    const uint32_t begin = at_;
    const char first = peek();
    FoundValue found;
    if (first == '{' || first == '[') {
      found.kind = ValueKind::kOther;
      if (depth == kContainersOpenMax || !container(node, depth + 1, first == '{')) {
        return false;
      }
    } else if (first == '"') {
      found.kind = ValueKind::kString;
      string(literal_path_ == kNotMapped || paths_.path_at(node) != literal_path_);
    } else {
      found.kind = scalar();
    }
    found.range = {begin, at_};
    const int path = paths_.path_at(node);
    if (path != kNotMapped) {
      parts_.mapped[static_cast<size_t>(path)] = found;
    }
    return true;
  }

  bool container(PathTree::Node node, int depth, bool is_object) {
    const char close = is_object ? '}' : ']';
    ++at_;
    skip_space();
    for (uint32_t i = 0; peek() != close; ++i) {
      PathTree::Node child = PathTree::kOutside;
      if (is_object && !key(node, child)) {
        return false;
      }
      if (!is_object && paths_.has_children(node)) {
        std::array<char, 12> digits{};
        const auto* end = std::to_chars(digits.data(), digits.data() + digits.size(), i).ptr;
        child = paths_.child(node, {digits.data(), static_cast<size_t>(end - digits.data())});
      }
      if (!value(child, depth)) {
        return false;
      }
      skip_space();
      if (peek() == ',') {
        ++at_;
        skip_space();
      } else if (peek() != close) {
        return false;
      }
    }
    ++at_;
    return true;
  }

  bool key(PathTree::Node node, PathTree::Node& child) {
    if (peek() != '"') {
      return false;
    }
    const uint32_t begin = at_ + 1;
    string(false);
    const std::string_view text = line_.substr(begin, at_ - 1 - begin);
    child = paths_.child(node, text);
    skip_space();
    if (peek() != ':' || text.find('\\') != std::string_view::npos) {
      return false;
    }
    ++at_;
    skip_space();
    return true;
  }

  void string(bool is_variable) {
    parts_.specials.push_back(at_);
    const uint32_t begin = ++at_;
    while (at_ < line_.size() && line_[at_] != '"') {
      at_ += line_[at_] == '\\' ? 2 : 1;
    }
    at_ = std::min(at_, static_cast<uint32_t>(line_.size()));
    parts_.specials.push_back(at_);
    if (is_variable) {
      parts_.variables.push_back({begin, at_});
    }
    ++at_;
  }

  ValueKind scalar() {
    const uint32_t begin = at_;
    while (at_ < line_.size() && line_[at_] != ',' && line_[at_] != '}' && line_[at_] != ']' &&
           !is_space(line_[at_])) {
      ++at_;
    }
    const char first = begin < line_.size() ? line_[begin] : '\0';
    if (first == '-' || (first >= '0' && first <= '9')) {
      parts_.variables.push_back({begin, at_});
      parts_.numbers.push_back({begin, at_});
      return ValueKind::kNumber;
    }
    return first == 'n' ? ValueKind::kNull : ValueKind::kOther;
  }

  const std::string_view line_;
  const PathTree& paths_;
  const int literal_path_;
  uint32_t at_ = 0;
  LineParts parts_;
};

/// Cuts the literal bytes of a line into pieces, and names places of the line by marks.
class ShapeBuilder {
 public:
  ShapeBuilder(std::string_view line, const LineParts& parts, Shape& shape)
      : line_(line), parts_(parts), shape_(shape) {}

  /// False when a run has no special byte, or there are too many pieces.
  bool cut() {
    if (parts_.specials.size() > kShapeSpecialsMax) {
      return false;
    }
    shape_.specials = static_cast<uint32_t>(parts_.specials.size());
    uint32_t begin = 0;
    for (const Range& variable : parts_.variables) {
      if (!run({begin, variable.begin})) {
        return false;
      }
      begin = variable.end;
    }
    return run({begin, static_cast<uint32_t>(line_.size()) + 1});
  }

  /// From where a value begins, which is the end of a run or inside one, to where it ends, which is
  /// inside a run or the beginning of the next.
  [[nodiscard]] Span span(Range range) const {
    const auto before =
        std::ranges::find_if(runs_, [&](const Range& run) { return run.end >= range.begin; });
    const auto after = std::ranges::find_if(
        runs_.rbegin(), runs_.rend(), [&](const Range& run) { return run.begin <= range.end; });
    return {mark(*before, range.begin), mark(*after, range.end)};
  }

 private:
  [[nodiscard]] uint32_t first_special(const Range& run) const {
    const auto first = std::ranges::lower_bound(parts_.specials, run.begin);
    return static_cast<uint32_t>(first - parts_.specials.begin());
  }

  [[nodiscard]] Mark mark(const Range& run, uint32_t offset) const {
    const uint32_t rank = first_special(run);
    const auto delta = static_cast<int64_t>(offset) - parts_.specials[rank];
    return {static_cast<uint16_t>(rank), static_cast<int16_t>(delta)};
  }

  bool run(Range run) {
    const uint32_t rank = first_special(run);
    if (rank == parts_.specials.size() || parts_.specials[rank] >= run.end) {
      return false;
    }
    runs_.push_back(run);
    for (uint32_t at = run.begin; at < run.end; at += kPieceBytes) {
      if (shape_.pieces == kShapePiecesMax) {
        return false;
      }
      ShapePiece& piece = shape_.literal[shape_.pieces];
      shape_.piece_marks[shape_.pieces] = mark(run, at);
      ++shape_.pieces;
      for (uint32_t i = 0; i < kPieceBytes && at + i < run.end; ++i) {
        const uint32_t from = at + i;
        piece.bytes[i] = from == line_.size() ? '\n' : static_cast<uint8_t>(line_[from]);
        piece.mask[i] = 0xFF;
      }
    }
    return true;
  }

  const std::string_view line_;
  const LineParts& parts_;
  Shape& shape_;
  std::vector<Range> runs_;
};

/// The inside of a string, all of a number.
Range digits_range(const FoundValue& value) {
  const uint32_t quote = value.kind == ValueKind::kString ? 1 : 0;
  return {value.range.begin + quote, value.range.end - quote};
}

/// Fills in what the shape says of a line's usage.
class ShapeRoles {
 public:
  ShapeRoles(std::string_view line, const Format& format, const LineParts& parts,
             const ShapeBuilder& builder, LearnedShape& learned)
      : line_(line), format_(format), parts_(parts), builder_(builder), learned_(learned) {}

  bool fill() {
    for (const FoundValue& value : parts_.mapped) {
      const bool there = value.kind != ValueKind::kMissing;
      learned_.values.push_back({value.kind, there ? builder_.span(value.range) : Span{}});
    }
    const bool has_amounts = amounts();
    const bool has_key = key();
    learned_.is_simple = has_amounts && has_key && is_request();
    const FoundValue& start = role(Role::kStartTime);
    if (start.kind == ValueKind::kString) {
      learned_.shape.has_start = 1;
      learned_.shape.start = builder_.span(digits_range(start));
    }
    learned_.has_identity = is_present(Role::kStreamId) || is_present(Role::kConnectionId);
    const int details = format_.role(Role::kResponseCodeDetails);
    if (details != kNotMapped && role(Role::kResponseCodeDetails).kind == ValueKind::kString) {
      learned_.details = learned_.values[static_cast<size_t>(details)];
    }
    return plain_numbers();
  }

 private:
  [[nodiscard]] const FoundValue& role(Role which) const {
    static constexpr FoundValue kMissing;
    const int path = format_.role(which);
    return path == kNotMapped ? kMissing : parts_.mapped[static_cast<size_t>(path)];
  }

  [[nodiscard]] bool is_present(Role which) const {
    const ValueKind kind = role(which).kind;
    return kind != ValueKind::kMissing && kind != ValueKind::kNull;
  }

  /// The log type is literal, so this is true of all lines of the shape.
  [[nodiscard]] bool is_request() const {
    const FoundValue& type = role(Role::kLogType);
    const std::string_view text = line_.substr(type.range.begin, type.range.end - type.range.begin);
    return !is_present(Role::kLogType) || text == "\"\"" || text == "\"-\"" ||
           text == "\"DownstreamEnd\"";
  }

  /// Amounts are read where they have digits: as numbers, as strings. False when one is what no
  /// amount may be.
  bool amounts() {
    constexpr std::array<Role, kAmounts> kRolesOfAmounts = {Role::kEgressBytes, Role::kIngressBytes,
                                                            Role::kDurationMs};
    bool readable = true;
    for (size_t i = 0; i < kAmounts; ++i) {
      const FoundValue& amount = role(kRolesOfAmounts[i]);
      const bool has_digits =
          amount.kind == ValueKind::kNumber || amount.kind == ValueKind::kString;
      learned_.amount_kinds[i] = amount.kind;
      readable = readable && amount.kind != ValueKind::kOther;
      learned_.shape.amount_masks[i] = has_digits ? ~0ULL : 0;
      learned_.shape.amounts[i] =
          has_digits ? builder_.span(digits_range(amount)) : Span{{0, 0}, {0, 1}};
    }
    return readable;
  }

  bool key() {
    if (format_.dimensions.size() + 2 > kKeyPartsMax) {
      return false;
    }
    const auto part = [this](int path) {
      return path == kNotMapped ? Span{} : learned_.values[static_cast<size_t>(path)].span;
    };
    learned_.key_parts = static_cast<uint32_t>(format_.dimensions.size() + 2);
    learned_.key[0] = part(format_.role(Role::kProject));
    learned_.key[1] = part(format_.role(Role::kRoute));
    for (size_t i = 0; i < format_.dimensions.size(); ++i) {
      learned_.key[i + 2] = part(format_.dimensions[i]);
    }
    return true;
  }

  /// All numbers but those that are read as amounts. False when there are too many.
  bool plain_numbers() {
    Shape& shape = learned_.shape;
    for (const Range& number : parts_.numbers) {
      const Span span = builder_.span(number);
      const bool is_amount = std::ranges::any_of(shape.amounts, [&](const Span& amount) {
        return amount.begin.rank == span.begin.rank && amount.begin.delta == span.begin.delta;
      });
      if (is_amount) {
        continue;
      }
      if (shape.plain_numbers == kShapeNumbersMax) {
        return false;
      }
      shape.numbers[shape.plain_numbers++] = span;
    }
    return true;
  }

  const std::string_view line_;
  const Format& format_;
  const LineParts& parts_;
  const ShapeBuilder& builder_;
  LearnedShape& learned_;
};

}  // namespace

std::unique_ptr<LearnedShape> learn_shape(std::string_view line, const Format& format,
                                          const PathTree& paths) {
  LineWalk walk(line, paths, format.role(Role::kLogType));
  auto learned = std::make_unique<LearnedShape>();
  if (!walk.run()) {
    return nullptr;
  }
  ShapeBuilder builder(line, walk.parts(), learned->shape);
  if (!builder.cut() || !ShapeRoles(line, format, walk.parts(), builder, *learned).fill()) {
    return nullptr;
  }
  return learned;
}

}  // namespace mf
