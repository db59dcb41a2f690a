// Totals by key: the open segment of one stream, and the ms that its keys carry (DESIGN 4.7, 5.4).
//
// The idea. A key gets a number when it is first seen and keeps it as long as the stream lives,
// because its carry, the ms below a full second, must outlive every segment. Totals are an array by
// that number. A key is *admitted* when it has usage in the open segment; keys_max counts these.
// Closing a part hands over the totals of the keys touched since the last close and keeps who is
// admitted; `begin_segment` forgets that too.
//
// What a commit writes. Numbers are cut into pages of kPageKeys; a page of keys is written when it
// gets a key, a page of totals when one of its keys is touched, a page of carries at a close.
//
// What can go wrong. Memory grows with the distinct keys of a stream's life, not of a segment: a
// carry may not be dropped without losing up to a second of usage. Keys come from what operators
// declare (projects, routes), never from what clients send.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "native/aggregate/interner.h"
#include "native/aggregate/snapshot_page.h"
#include "native/aggregate/totals.h"
#include "native/aggregate/usage_page.h"
#include "native/aggregate/usage_sums.h"
#include "native/base/limits.h"

namespace mf {

/// What the keys of a table have in one closed piece of a segment.
struct UsagePart {
  PageList pages;
  PageList sums;
};

class UsageTable {
 public:
  /// `letter` names the table's pages in snapshots; `sum_by` says what a part's sums are.
  UsageTable(char letter, size_t dimensions, SumBy sum_by)
      : letter_(letter), dimensions_(dimensions), sum_by_(sum_by) {}

  static constexpr uint32_t kNoKey = Interner::kNone;

  /// The number of a key, as encode_key writes it; a new key gets one.
  uint32_t key(std::string_view encoded);
  /// The same, but kNoKey for a new key.
  [[nodiscard]] uint32_t find(std::string_view encoded) const { return keys_.find(encoded); }

  /// The project of a key; valid until the next `key`.
  [[nodiscard]] std::string_view project(uint32_t id) const;

  /// Fetches the row of a key; of kNoKey, nothing.
  void prefetch(uint32_t id) const {
    if (id < rows_.size()) {
      __builtin_prefetch(&rows_[id], 1);
    }
  }

  [[nodiscard]] bool is_admitted(uint32_t id) const { return rows_[id].admitted == segment_; }
  /// Keys admitted so far that count towards keys_max.
  [[nodiscard]] size_t admitted() const { return admitted_; }

  /// Adds to a key, and admits it; `counted` false leaves `admitted()` as it is.
  void add(uint32_t id, const Totals& more, bool counted = true) {
    Row& row = rows_[id];
    const bool is_plain = row.touched && row.admitted == segment_;
    if (is_plain && row.totals.add(more)) {
      pages_[id / kPageKeys].totals_changed = true;
    } else {
      add_first(id, more, counted);
    }
  }

  /// All keys touched since the last close, with their seconds; totals are zero after.
  UsagePart close_part();
  /// What close_part would hand over now; changes nothing.
  [[nodiscard]] UsagePart open_part() const { return pack_part(open_rows().rows); }

  /// Instead of close_part: adds the totals to what `take_merged` hands over at the end.
  void merge_part();
  PageList take_merged();

  /// A new window: no key is admitted. Totals must have been closed.
  void begin_segment();

  /// Forgets all keys, carries too.
  void clear();

  void snapshot(SnapshotPages& pages);
  /// Reads the rest of a page after its head. Pages of keys come first, in order.
  bool restore(PageKind kind, size_t number, ByteReader& in);
  void save(ByteWriter& out) const;
  /// What a table without totals saves.
  static void save_empty(ByteWriter& out) { out.put(uint32_t{0}); }
  /// After all pages are restored. False when the bytes contradict the pages.
  bool load(ByteReader& in);

 private:
  void add_first(uint32_t id, const Totals& more, bool counted);

  struct Row {
    Totals totals;
    /// The segment that the key was admitted in.
    uint32_t admitted = 0;
    uint16_t carry_ms = 0;
    bool touched = false;
    bool counted = false;
  };

  /// What the next snapshot must do with a page of each kind.
  struct PageState {
    bool keys_changed = false;
    bool totals_changed = false;
    bool carries_changed = false;
    bool totals_stored = false;
  };

  /// Rows as a close makes them, and what each leaves its key as carry.
  struct OpenRows {
    std::vector<UsageRow> rows;
    std::vector<std::pair<uint32_t, uint16_t>> carries;
  };

  [[nodiscard]] OpenRows open_rows() const;
  [[nodiscard]] UsagePart pack_part(const std::vector<UsageRow>& rows) const;
  [[nodiscard]] Bytes pack_keys(size_t page) const;
  [[nodiscard]] Bytes pack_totals(size_t page) const;
  [[nodiscard]] Bytes pack_carries(size_t page) const;
  [[nodiscard]] bool has_admitted(size_t page) const;
  bool restore_carries(size_t page, ByteReader& in);
  bool restore_totals(size_t page, ByteReader& in);

  const char letter_;
  const size_t dimensions_;
  const SumBy sum_by_;
  Interner keys_;
  std::vector<Row> rows_;
  std::vector<uint32_t> touched_;
  /// By number: sums of merged parts. A sum that would pass 2^63 - 1 goes on in a row of its own.
  std::vector<Totals> merged_;
  std::vector<std::pair<uint32_t, Totals>> merged_full_;
  /// Totals of a key whose sum would have passed 2^63 - 1: rows of their own.
  std::vector<std::pair<uint32_t, Totals>> full_;
  std::vector<PageState> pages_;
  size_t pages_to_drop_ = 0;
  uint32_t segment_ = 1;
  size_t admitted_ = 0;
};

}  // namespace mf
