// The engine of one stream: joins reading, parsing and aggregating. Bytes in, closed parts out.
//
// Offsets. `offset` counts the bytes of the current generation that are folded: what a commit may
// claim. `read_offset` is ahead of it by the unfinished physical line that the engine holds; those
// bytes are not in a snapshot and are read again after a restart.
//
// Threads. An engine is used by one thread at a time; `read` may run on another thread while
// nobody else touches the engine. The addon sees to that.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "native/aggregate/stream_meter.h"
#include "native/base/error.h"
#include "native/base/kernel.h"
#include "native/engine/line_folder.h"
#include "native/parse/line_path.h"

namespace mf {

struct EngineOptions {
  MeterOptions meter;
  Envelope envelope = Envelope::kAuto;
  size_t line_bytes_max = 1 << 20;
  bool keep_quarantine = false;
  /// What the fast path runs on; nothing: what METER_FAST_KERNEL names, or the best of this CPU.
  std::optional<Kernel> kernel;
};

struct EngineSnapshot {
  Bytes head;
  SnapshotPages pages;
};

class Engine {
 public:
  explicit Engine(const EngineOptions& options);

  /// Once, before anything else.
  Error init();

  /// Folds the bytes behind those read so far.
  void feed(std::string_view bytes);

  /// Reads at most `bytes_max` bytes of `fd` at `read_offset` and folds them; fewer only at the end
  /// of the file. On kRead `error_number` is the errno, and what was read before is folded.
  Error read(int fd, uint64_t bytes_max, uint64_t& got, int& error_number);

  /// The generation ends: a tail without LF is a line, and offsets begin at 0 again.
  void end_generation();
  /// Goes on at `offset` of this generation; what is held of an unfinished physical line is
  /// forgotten. A line too long to be held goes on.
  void seek(uint64_t offset);
  void close_by_time() { lines_.meter().close_by_time(offset_); }
  /// The stream ends: parts without their `F` are cut, the open segment closes by content.
  void end_stream() { lines_.end_stream(offset_); }

  std::vector<ClosedPart> take_closed() { return lines_.meter().take(); }
  Bytes take_quarantine() { return lines_.take_quarantine(); }
  /// Bytes that wait to be taken: closed parts and quarantine.
  [[nodiscard]] size_t pending_bytes() const {
    return meter().closed_bytes() + lines_.quarantine_bytes();
  }

  [[nodiscard]] uint64_t offset() const { return offset_; }
  [[nodiscard]] uint64_t read_offset() const { return offset_ + held_; }
  /// What `auto` decided, once a line came.
  [[nodiscard]] Envelope envelope() const { return lines_.reader().envelope(); }
  [[nodiscard]] const StreamMeter& meter() const { return lines_.meter(); }
  /// Which path the lines took since the engine was made; in no snapshot.
  [[nodiscard]] const PathCounts& paths() const { return lines_.paths(); }

  /// What close_by_time would hand over now; changes nothing.
  [[nodiscard]] ClosedPart open_totals() const { return meter().open_totals(offset_); }

  EngineSnapshot snapshot();
  /// Enough to restore an engine that goes on from here without the totals and carries of keys; the
  /// next `snapshot` does not know of it. Segments that begin later are the same in both, but for
  /// seconds, which miss what was carried.
  [[nodiscard]] EngineSnapshot checkpoint() const;
  /// On a new engine: the head of the last snapshot and the newest page of each name. After
  /// kSnapshotDamaged the engine may only be destroyed.
  Error restore(std::string_view head, const std::vector<std::string_view>& pages);

 private:
  void save_head(ByteWriter& head) const;
  void fold(size_t added);
  char* room(size_t bytes);

  const std::optional<Kernel> kernel_;
  LineFolder lines_;

  /// The unfinished physical line, then what is being added.
  std::vector<char> buffer_;
  size_t held_ = 0;
  uint64_t offset_ = 0;
};

}  // namespace mf
