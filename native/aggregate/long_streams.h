// Long-lived requests that Envoy logs more than once: what their running totals were when they were
// last seen, so that each record adds only what is new (DESIGN 4.6).
//
// Entries have slots, and slots are cut into pages for the snapshot: a page is written when one of
// its entries changed. Pages that a snapshot does not have take no memory. At `entries_max` new
// ones are not admitted; the caller counts that.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "native/aggregate/snapshot_page.h"
#include "native/base/hash.h"
#include "native/parse/usage_record.h"

namespace mf {

class LongStreams {
 public:
  explicit LongStreams(size_t entries_max) : entries_max_(entries_max) {}

  /// What was seen last of `identity`; nullptr when nothing was.
  [[nodiscard]] const Amounts* last(std::string_view identity) const;
  [[nodiscard]] bool is_full() const { return by_identity_.size() >= entries_max_; }
  [[nodiscard]] bool empty() const { return by_identity_.empty(); }

  /// Keeps `amounts` as the last ones, touched in the window that starts at `window_start_ms`.
  void keep(std::string_view identity, const Amounts& amounts, int64_t window_start_ms);
  void forget(std::string_view identity);

  /// Drops what was last touched in a window more than 24 h before the one that closes.
  void drop_idle(int64_t closed_window_start_ms);
  /// Entries touched before the stream's first clock belong to its first window.
  void touch_all(int64_t window_start_ms);

  /// Pages that changed since the last call.
  void snapshot(SnapshotPages& pages);
  /// All pages that have entries; the next snapshot does not know of it.
  void checkpoint(SnapshotPages& pages) const;
  bool restore(size_t number, ByteReader& in);

 private:
  struct Entry {
    std::string identity;
    Amounts amounts;
    int64_t touched_window_ms = 0;
    bool used = false;
  };
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return hash_bytes(text); }
  };

  static constexpr size_t kPageEntries = 256;
  /// Pages of the largest stream_states_max, 2^31.
  static constexpr size_t kPagesMax = 1 << 23;
  using Page = std::array<Entry, kPageEntries>;

  [[nodiscard]] Entry& at(uint32_t slot) {
    return (*pages_[slot / kPageEntries])[slot % kPageEntries];
  }
  [[nodiscard]] const Entry& at(uint32_t slot) const {
    return (*pages_[slot / kPageEntries])[slot % kPageEntries];
  }
  /// The bytes of a page; empty when it has no entries.
  [[nodiscard]] Bytes pack(size_t page) const;
  /// The entries of a page from number `used_entries` on are free.
  void add_free(size_t page, size_t used_entries);
  uint32_t take_slot();
  void release(uint32_t slot);
  void mark(uint32_t slot);

  const size_t entries_max_;
  /// Pages never move: the map's keys are views of their entries. nullptr: nothing was ever there.
  std::vector<std::unique_ptr<Page>> pages_;
  std::vector<uint32_t> free_;
  std::unordered_map<std::string_view, uint32_t, Hash, std::equal_to<>> by_identity_;
  std::vector<uint8_t> changed_pages_;
};

}  // namespace mf
