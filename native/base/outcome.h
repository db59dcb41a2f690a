// The outcomes of DESIGN 4.7: every line gets exactly one, `kLenient` counts beside them.
// The order is the order of OUTCOMES in src/native.ts and is part of the snapshot format:
// append, never reorder.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace mf {

enum class Outcome : uint8_t {
  kMetered,
  kLenient,  // not an outcome of its own: a metered or unattributed line that had to be mended
  kStderr,
  kBlank,
  kNotJson,
  kNoStreamId,
  kStreamStateFull,
  kUpstream,
  kTcp,
  kUdp,
  kNotSet,
  kExcluded,
  kNoRoute,
  kNoProject,
  kBadProject,
  kBadEnvelope,
  kCut,
  kTooLong,
  kMalformed,
  kDuplicateKey,
  kLogType,
  kBadNumber,
  kNoClock,
  kOverflow,
};

inline constexpr size_t kOutcomes = 24;
static_assert(static_cast<size_t>(Outcome::kOverflow) + 1 == kOutcomes);

using OutcomeCounts = std::array<int64_t, kOutcomes>;

inline bool is_quarantined(Outcome outcome) {
  return outcome >= Outcome::kBadEnvelope;
}

inline bool is_unattributed(Outcome outcome) {
  return outcome >= Outcome::kNoRoute && outcome <= Outcome::kBadProject;
}

}  // namespace mf
