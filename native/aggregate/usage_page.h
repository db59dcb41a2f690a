// Usage page v1: how totals leave the core. Little-endian, self-contained, at most kPageKeys rows.
//
//   u32 magic 'MFU1'   u32 rows   u32 dimensions   u32 text_bytes
//   i64 amounts[rows][6]   requests, egress bytes, ingress bytes, connection ms,
//                          sum of floor(ms / 1000) per record, connection seconds
//   u32 columns[rows][4 + dimensions]   bytes of project, kind (RouteKind), bytes of namespace,
//                          bytes of name, bytes of each dimension (0xFFFFFFFF: absent)
//   text: project, namespace, name, dimensions of each row
//
// src/emit/usage-page.ts reads it; the state keeps closed segments in it, so a change needs a new
// magic and a reader of the old one.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "native/aggregate/totals.h"
#include "native/base/page_list.h"

namespace mf {

struct UsageRow {
  /// As encode_key writes it.
  std::string_view key;
  Totals totals;
  int64_t seconds = 0;
};

/// Packs rows with `dimensions` dimensions each into pages.
PageList pack_usage_pages(const std::vector<UsageRow>& rows, size_t dimensions);

}  // namespace mf
