// Sums of a piece's rows over a part of their keys: what the ledger keeps of each closed piece
// without reading its pages of keys again.
#pragma once

#include <cstdint>
#include <vector>

#include "native/aggregate/usage_page.h"

namespace mf {

enum class SumBy : uint8_t {
  kProject,  ///< One row for each project; its route is none.
  kKind,     ///< One row for each kind of route, which is the reason of unattributed usage.
};

/// The sums of rows whose keys have `dimensions` dimensions, as usage pages without dimensions,
/// in the order of the bytes of what they are summed by. A sum that would pass 2^63 - 1 goes on in
/// a row of its own.
PageList pack_usage_sums(const std::vector<UsageRow>& rows, size_t dimensions, SumBy sum_by);

}  // namespace mf
