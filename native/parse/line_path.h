// Which path each line took, and why: what shows that a format changed under the agent. Counts of a
// process, not part of any snapshot. The order is that of LINE_PATHS in src/native.ts.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace mf {

enum class LinePath : uint8_t {
  kBatch,     ///< Matched a shape and was added without looking at more than its key.
  kRecord,    ///< Matched a shape; its values were looked at one by one.
  kEnvelope,  ///< Declined: not the plain form of its envelope, e.g. stderr or a part.
  kShape,     ///< Declined: not of a known shape.
  kNumber,    ///< Declined: of a known shape, but something is no number where it has one.
  kEscape,    ///< Declined: an escape that is not valid, or a surrogate.
  kUtf8,      ///< Declined: text that is not UTF-8.
  kLong,      ///< Declined: longer than the fast path looks at.
  kUntried,   ///< Not tried: parts pend, the stream begins, or shapes do not pay at present.
};

inline constexpr size_t kLinePaths = 9;
static_assert(static_cast<size_t>(LinePath::kUntried) + 1 == kLinePaths);

using PathCounts = std::array<int64_t, kLinePaths>;

}  // namespace mf
