// The meter of one stream: folds accepted records, in order, into the totals of windows.
//
// It decides, per record, the outcomes of DESIGN 4.6 and 4.7 that depend on earlier lines, and
// closes segments by the clocks of the lines. It reads no wall clock; `close_by_time` is called by
// who does, and changes where a window is cut into parts, never what is in it: who is admitted,
// the sums that guard against overflow and the long-lived requests belong to the window and
// outlive its parts.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "native/aggregate/long_streams.h"
#include "native/aggregate/snapshot_page.h"
#include "native/aggregate/target_cache.h"
#include "native/aggregate/usage_key.h"
#include "native/aggregate/usage_table.h"
#include "native/aggregate/window_clock.h"
#include "native/base/outcome.h"
#include "native/parse/record.h"
#include "native/parse/usage_record.h"

namespace mf {

struct MeterOptions {
  Format format;
  int64_t window_ms = 60'000;
  /// For totals of a whole stream: one closed part at its end, with the sums over all segments and
  /// without seconds. Lines before the first clock go into the first segment, not to quarantine.
  bool totals_only = false;
  ExcludeRules exclude;
  size_t keys_max = 1'000'000;
  size_t stream_states_max = 1'000'000;
};

/// One closed piece of a segment.
struct ClosedPart {
  int64_t epoch = 0;
  int64_t window_start_ms = 0;
  int64_t window_ms = 0;
  int64_t part = 0;
  bool by_time = false;
  /// The first byte of the generation that is not in this piece: where the line begins that closed
  /// it, or what was read when the clock or the end of the stream did.
  uint64_t end_offset = 0;
  PageList pages;
  PageList unattributed;
  /// Sums of `pages` by project, and of `unattributed` by reason.
  PageList projects;
  PageList reasons;
  OutcomeCounts outcomes{};

  [[nodiscard]] size_t bytes() const {
    return pages.bytes() + unattributed.bytes() + projects.bytes() + reasons.bytes();
  }
};

/// Where a record comes from.
struct LinePlace {
  /// The envelope's time of its line, as written; empty when there is none.
  std::string_view envelope_time;
  /// Where its last physical line begins in its generation.
  uint64_t offset = 0;
};

/// A line that is proven to be one request, not lenient, without anything else that the rules look
/// at: what the fast path makes of nearly every line.
struct Request {
  /// Raw bytes of project, route and dimensions.
  std::array<KeyBlock, kKeyBlocksMax + 1> key;
  uint32_t key_blocks = 0;
  /// Its line names a stream or a connection.
  bool has_identity = false;
  uint64_t hash = 0;
  Totals totals;
  int64_t clock_ms = 0;

  [[nodiscard]] KeyView view() const { return {key.data(), key_blocks}; }
};

class StreamMeter {
 public:
  explicit StreamMeter(MeterOptions options);

  /// Folds one accepted record and says what became of it; also counts it.
  Outcome fold(const Record& record, const LinePlace& place);

  /// Hashes the keys of some requests and fetches what `fold_requests` will touch of them.
  void prepare(std::span<Request> requests) const;
  /// Does with prepared requests what `fold` does with their records, as long as that is just to
  /// add to a key that is known and the open window has room for. Gives how many these were: the
  /// record of the next one the caller must `fold`.
  size_t fold_requests(std::span<const Request> requests);

  /// Counts lines that got their outcome without a record.
  void count(Outcome outcome, int64_t lines = 1);

  /// `offset`: how much of the generation is folded.
  void close_by_time(uint64_t offset);
  /// The stream ends: what is open closes, by content.
  void end_stream(uint64_t offset);
  /// What close_by_time would hand over now; changes nothing.
  [[nodiscard]] ClosedPart open_totals(uint64_t offset) const;

  /// Closed parts since the last call.
  std::vector<ClosedPart> take();
  /// Bytes of their pages.
  [[nodiscard]] size_t closed_bytes() const { return closed_bytes_; }

  [[nodiscard]] const OutcomeCounts& counts() const { return counts_; }
  [[nodiscard]] const WindowClock& window() const { return window_; }
  [[nodiscard]] bool has_open_segment() const { return open_; }
  [[nodiscard]] const Format& format() const { return options_.format; }

  void save(ByteWriter& out) const;
  /// Instead of `save` and `snapshot`: what a meter needs that goes on from here without the totals
  /// and carries of keys. The piece that is open goes on without what it has.
  void checkpoint(ByteWriter& out, SnapshotPages& pages) const;
  /// After all pages are restored.
  bool load(ByteReader& in);
  void snapshot(SnapshotPages& pages);
  bool restore_page(std::string_view page);

 private:
  bool fold_request(const Request& request);
  Outcome judge(const Record& record, const LinePlace& place);
  Outcome judge_log_type(const Record& record, bool& is_request, bool& followed);
  void hash_target(const Record& record);
  [[nodiscard]] KeyView raw_key() const;
  Target& target_of(const Record& record);
  Outcome encode_target(const Record& record);
  uint32_t overflow_key(std::string_view project);
  uint32_t unattributed_key(Outcome reason, const Record& record);
  [[nodiscard]] bool would_overflow(const Totals& added) const;
  void add(Target& target, const Record& record, const Totals& added);
  void add_metered(Target& target, const Record& record, const Totals& added);
  void close(bool by_time, uint64_t end_offset);
  void save_piece(ByteWriter& out, const OutcomeCounts& part_counts) const;
  /// The open piece without its usage.
  [[nodiscard]] ClosedPart piece(bool by_time, uint64_t end_offset) const;
  void begin_window(const Placement& placement);

  const MeterOptions options_;
  WindowClock window_;
  UsageTable metered_;
  UsageTable unattributed_;
  LongStreams long_streams_;

  bool open_ = false;
  /// The number of the open part, or of the next one in this window.
  int64_t part_ = 0;
  /// Sums over all metered keys of the window, all parts (DESIGN 4.7, `overflow`).
  Totals window_sums_;
  OutcomeCounts counts_{};
  OutcomeCounts part_counts_{};
  std::vector<ClosedPart> closed_;
  size_t closed_bytes_ = 0;

  TargetCache targets_;
  HashSeed seed_;
  DateMemo date_;
  /// The raw key of the record that is being folded.
  std::vector<KeyBlock> raw_key_;
  uint64_t raw_hash_ = 0;
  std::string identity_;
  std::string encoded_;
  std::string project_;
};

}  // namespace mf
