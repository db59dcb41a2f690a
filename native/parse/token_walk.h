// The walk over simdjson's index of one line; see record_parser.h for the idea.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "native/parse/path_tree.h"
#include "native/parse/record.h"

namespace mf {

/// Which top-level key stood where in the last line, and where it led. Lines of one writer mostly
/// have the same keys in the same order, so a look-up becomes one comparison. A cache that never
/// decides: only keys without escapes are kept, and all their bytes are compared.
struct KeyMemo {
  struct Entry {
    uint32_t size = 0;
    PathTree::Node node = PathTree::kOutside;
    std::array<char, 58> raw{};
  };
  std::array<Entry, 64> at_ordinal;
};

/// One line and what simdjson's first stage found in it.
struct TokenizedLine {
  std::string_view text;
  /// The line as written, when `text` is its mended copy; else empty.
  std::string_view original;
  /// Offsets of structural characters and of the first bytes of all other tokens.
  const uint32_t* offsets;
  uint32_t count;
};

enum class WalkResult : uint8_t { kAccepted, kDuplicateKey, kRejected };

/// Checks that the line is exactly one object, of which nothing was mended that must not be, and
/// fills in the values of `record`, which must be empty.
WalkResult walk_tokens(const TokenizedLine& line, const PathTree& paths, KeyMemo& memo,
                       Record& record);

}  // namespace mf
