// The counters of one key in one piece of a segment. Signed 64-bit; additions are checked.
#pragma once

#include <cstdint>

#include "native/parse/usage_record.h"

namespace mf {

struct Totals {
  int64_t requests = 0;
  int64_t egress_bytes = 0;
  int64_t ingress_bytes = 0;
  int64_t duration_ms = 0;
  /// The sum of floor(ms / 1000) per record, for `per_request_floor`.
  int64_t floor_seconds = 0;

  /// No counter is below 0: true of all that were counted, not of what damaged bytes say.
  [[nodiscard]] bool is_counted() const {
    return (requests | egress_bytes | ingress_bytes | duration_ms | floor_seconds) >= 0;
  }

  /// Adds `more`; false, and nothing is changed, when a sum would pass 2^63 - 1.
  bool add(const Totals& more) {
    // Neither side is below 0, so a sum that passes 2^63 - 1 is.
    const auto sum_of = [](int64_t left, int64_t right) {
      return static_cast<int64_t>(static_cast<uint64_t>(left) + static_cast<uint64_t>(right));
    };
    const Totals sum = {sum_of(requests, more.requests), sum_of(egress_bytes, more.egress_bytes),
                        sum_of(ingress_bytes, more.ingress_bytes),
                        sum_of(duration_ms, more.duration_ms),
                        sum_of(floor_seconds, more.floor_seconds)};
    if (!sum.is_counted()) {
      return false;
    }
    *this = sum;
    return true;
  }
};

/// What a record adds whose totals were `last` when it was last seen (DESIGN 4.6, 5.4).
inline Totals added_by(const Amounts& now, const Amounts& last, bool is_request) {
  const auto signed_difference = [](uint64_t to, uint64_t from) {
    return static_cast<int64_t>(to - from);
  };
  Totals added;
  added.requests = is_request ? 1 : 0;
  added.egress_bytes = signed_difference(now.egress_bytes, last.egress_bytes);
  added.ingress_bytes = signed_difference(now.ingress_bytes, last.ingress_bytes);
  added.duration_ms = signed_difference(now.duration_ms, last.duration_ms);
  added.floor_seconds = signed_difference(now.duration_ms / 1000, last.duration_ms / 1000);
  return added;
}

}  // namespace mf
