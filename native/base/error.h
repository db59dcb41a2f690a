// Every way in which the core can fail. The core returns these codes; it never throws across a
// boundary, prints or aborts. Bad log lines are no errors: they are outcomes (outcome.h).
#pragma once

#include <cstdint>

namespace mf {

enum class [[nodiscard]] Error : uint8_t {
  kNone = 0,          ///< All is well.
  kRead,              ///< pread failed; errno says why.
  kSnapshotDamaged,   ///< A snapshot's head or page is cut, of another version, or contradicts
                      ///< itself.
  kFormatTooLarge,    ///< A format maps more keys than kPathsMax or kPathTokensMax.
  kSimdjsonCapacity,  ///< simdjson could not allocate its index for the longest line.
  kKernelUnknown,     ///< METER_FAST_KERNEL names no kernel, or one that this CPU cannot run.
};

}  // namespace mf
