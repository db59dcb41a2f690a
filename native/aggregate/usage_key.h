// A key as bytes: the columns and the text of its row in a usage page (usage_page.h), so that
// packing a page copies and never formats.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "native/base/bytes.h"
#include "native/parse/route.h"

namespace mf {

/// Length of a dimension that a line does not have.
inline constexpr uint32_t kAbsentDimension = UINT32_MAX;

struct UsageKey {
  RouteKind kind = RouteKind::kNone;
  std::string_view project;
  std::string_view route_namespace;
  std::string_view name;
};

inline void put_column(std::string& out, uint32_t column) {
  out.append(reinterpret_cast<const char*>(&column), sizeof column);
}

/// Writes `key` and its dimensions, of which nullptr means absent.
inline void encode_key(const UsageKey& key, const std::vector<const std::string*>& dimensions,
                       std::string& out) {
  out.clear();
  put_column(out, static_cast<uint32_t>(key.project.size()));
  put_column(out, static_cast<uint32_t>(key.kind));
  put_column(out, static_cast<uint32_t>(key.route_namespace.size()));
  put_column(out, static_cast<uint32_t>(key.name.size()));
  for (const std::string* dimension : dimensions) {
    put_column(out,
               dimension == nullptr ? kAbsentDimension : static_cast<uint32_t>(dimension->size()));
  }
  out.append(key.project).append(key.route_namespace).append(key.name);
  for (const std::string* dimension : dimensions) {
    if (dimension != nullptr) {
      out.append(*dimension);
    }
  }
}

/// True when the lengths in `encoded` are those of its text: what encode_key writes.
inline bool is_encoded_key(std::string_view encoded, size_t dimensions) {
  ByteReader columns(encoded);
  uint64_t text_bytes = 0;
  for (size_t column = 0; column < 4 + dimensions; ++column) {
    const auto value = columns.get<uint32_t>();
    const bool is_length = column != 1 && (column < 4 || value != kAbsentDimension);
    text_bytes += is_length ? value : 0;
  }
  return !columns.failed() && text_bytes == columns.rest_bytes();
}

}  // namespace mf
