// A shape together with what its mapped values mean: learned from one line that the reference
// parser accepted, true of every line whose literal bytes are the same.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "native/base/limits.h"
#include "native/parse/format.h"
#include "native/parse/path_tree.h"
#include "native/parse/record.h"
#include "native/parse/shape.h"

namespace mf {

/// Where a mapped value lies, as written: quotes included.
struct ShapeValue {
  ValueKind kind = ValueKind::kMissing;
  Span span{};
};

struct LearnedShape {
  Shape shape{};
  /// By path of the format; a path that the line does not have is missing.
  std::vector<ShapeValue> values;
  std::array<ValueKind, kAmounts> amount_kinds{};
  /// Spans of project, route and dimensions; of a missing one, an empty span.
  std::array<Span, kKeyPartsMax> key{};
  uint32_t key_parts = 0;
  /// Lines are requests of which nothing but amounts, start time and key needs to be looked at,
  /// unless `details` says otherwise.
  bool is_simple = false;
  /// A line names a stream or a connection, so it may go on from an earlier one.
  bool has_identity = false;
  /// The response code details, where they may say that there was an internal redirect.
  ShapeValue details;
  /// How often it matched, halved now and then: the least useful one makes room for a new one.
  uint32_t matches = 0;
};

/// The shape of `line`, an accepted line without its envelope and line end; nullptr when it has
/// none: escapes in keys, numbers that no special byte separates, or too much of anything.
std::unique_ptr<LearnedShape> learn_shape(std::string_view line, const Format& format,
                                          const PathTree& paths);

}  // namespace mf
