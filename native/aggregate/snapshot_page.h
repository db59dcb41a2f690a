// Pages of a snapshot: what changed since the last one, by name. `bytes` empty: the page is gone.
#pragma once

#include <string>
#include <vector>

#include "native/base/bytes.h"

namespace mf {

struct SnapshotPage {
  std::string name;
  Bytes bytes;
};

using SnapshotPages = std::vector<SnapshotPage>;

/// What a page holds; the first byte of its bytes, then the table's letter, then its number.
enum class PageKind : char { kKeys = 'k', kTotals = 't', kCarries = 'c', kStreams = 's' };

inline std::string page_name(char table, PageKind kind, size_t number) {
  return std::string{table, static_cast<char>(kind)} + std::to_string(number);
}

inline void put_page_head(ByteWriter& out, char table, PageKind kind, size_t number) {
  out.put(static_cast<char>(kind));
  out.put(table);
  out.put(static_cast<uint32_t>(number));
}

struct PageHead {
  PageKind kind = PageKind::kKeys;
  char table = 0;
  uint32_t number = 0;
};

/// False when the bytes begin no page.
inline bool get_page_head(ByteReader& in, PageHead& head) {
  const auto kind = in.get<char>();
  for (const PageKind known :
       {PageKind::kKeys, PageKind::kTotals, PageKind::kCarries, PageKind::kStreams}) {
    if (kind == static_cast<char>(known)) {
      head.kind = known;
      head.table = in.get<char>();
      head.number = in.get<uint32_t>();
      return !in.failed();
    }
  }
  return false;
}

}  // namespace mf
