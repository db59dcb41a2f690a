// Pages of a snapshot: what changed since the last one, by name.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "native/base/bytes.h"
#include "native/base/page_list.h"

namespace mf {

class SnapshotPages {
 public:
  /// `bytes` empty: the page is gone.
  void add(std::string name, std::string_view bytes) {
    names_.push_back(std::move(name));
    bytes_.append(bytes);
  }

  [[nodiscard]] size_t size() const { return names_.size(); }
  [[nodiscard]] const std::string& name(size_t page) const { return names_[page]; }
  [[nodiscard]] std::string_view bytes(size_t page) const { return bytes_[page]; }
  /// All bytes, page by page; for who takes their blocks.
  [[nodiscard]] PageList& list() { return bytes_; }

 private:
  std::vector<std::string> names_;
  PageList bytes_;
};

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
