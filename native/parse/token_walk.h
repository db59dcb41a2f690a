// The walk over simdjson's index of one line; see record_parser.h for the idea.
#pragma once

#include <cstdint>
#include <string_view>

#include "native/parse/path_tree.h"
#include "native/parse/record.h"

namespace mf {

class TokenWalk {
 public:
  /// `offsets` are the `count` token offsets that simdjson's first stage found in `line`.
  /// `original` is the line as written when `line` is its mended copy, else empty.
  TokenWalk(std::string_view line, std::string_view original, const uint32_t* offsets,
            uint32_t count, const PathTree& paths, Record& record);

  /// True when the line is exactly one object and nothing that must not be mended was.
  bool run();

  [[nodiscard]] bool saw_duplicate() const { return duplicate_; }

 private:
  [[nodiscard]] char peek() const { return next_ < count_ ? line_[offsets_[next_]] : '\0'; }
  [[nodiscard]] uint32_t offset() const { return offsets_[next_]; }

  bool object(PathTree::Node node);
  bool array(PathTree::Node node);
  bool key(PathTree::Node node, PathTree::Node& child);
  bool value(PathTree::Node node);
  bool string_token(std::string_view& raw, bool& escaped);
  bool scalar_token(std::string_view& raw, ValueKind& kind);
  [[nodiscard]] std::string_view token() const;
  [[nodiscard]] bool is_as_written(std::string_view part) const;
  void keep(int path, const Value& found);

  const std::string_view line_;
  const std::string_view original_;
  const uint32_t* const offsets_;
  const uint32_t count_;
  const PathTree& paths_;
  Record& record_;
  const bool has_backslash_;
  uint32_t next_ = 0;
  int open_ = 0;
  bool duplicate_ = false;
};

}  // namespace mf
