#include "native/aggregate/usage_page.h"

#include <span>

#include "native/base/limits.h"

namespace mf {
namespace {

constexpr uint32_t kMagic = 0x3155464D;  // "MFU1"

Bytes pack(std::span<const UsageRow> rows, size_t dimensions) {
  const size_t columns_bytes = (4 + dimensions) * sizeof(uint32_t);
  size_t text_bytes = 0;
  for (const UsageRow& row : rows) {
    text_bytes += row.key.size() - columns_bytes;
  }
  ByteWriter out;
  out.put(kMagic);
  out.put(static_cast<uint32_t>(rows.size()));
  out.put(static_cast<uint32_t>(dimensions));
  out.put(static_cast<uint32_t>(text_bytes));
  for (const UsageRow& row : rows) {
    out.put(row.totals.requests);
    out.put(row.totals.egress_bytes);
    out.put(row.totals.ingress_bytes);
    out.put(row.totals.duration_ms);
    out.put(row.totals.floor_seconds);
    out.put(row.seconds);
  }
  for (const UsageRow& row : rows) {
    out.put_raw(row.key.data(), columns_bytes);
  }
  for (const UsageRow& row : rows) {
    out.put_raw(row.key.data() + columns_bytes, row.key.size() - columns_bytes);
  }
  return out.take();
}

}  // namespace

PageList pack_usage_pages(const std::vector<UsageRow>& rows, size_t dimensions) {
  PageList pages;
  for (size_t from = 0; from < rows.size();) {
    size_t end = from;
    size_t key_bytes = 0;
    do {
      key_bytes += rows[end++].key.size();
    } while (end < rows.size() && end - from < kPageKeys && key_bytes < kPageKeyBytesMax);
    pages.append(pack(std::span(rows).subspan(from, end - from), dimensions));
    from = end;
  }
  return pages;
}

}  // namespace mf
