// Folds lines: bytes of a stream in, outcomes and totals out. Here the two paths of parsing meet.
//
// Whole lines go to the matcher (native/parse/line_matcher.h), which gives them back in batches.
// Runs of simple lines are added to the totals at once; a line that needs a closer look is read
// into a record; what was declined goes the long way: reader, reference parser, record. The order
// of the lines is kept throughout.
//
// The long way is also what lines take that the matcher is not asked about: the first of a
// generation, those between the parts of a line, and all while shapes do not pay.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

#include "native/aggregate/stream_meter.h"
#include "native/base/kernel.h"
#include "native/parse/line_matcher.h"
#include "native/parse/line_path.h"
#include "native/parse/line_reader.h"
#include "native/parse/record_parser.h"

namespace mf {

struct FolderOptions {
  Envelope envelope = Envelope::kAuto;
  size_t line_bytes_max = 1 << 20;
  bool keep_quarantine = false;
};

class LineFolder final : private LineSink {
 public:
  LineFolder(const FolderOptions& options, const MeterOptions& meter);

  /// Once, before anything else. `kernel` must be one that this CPU can run.
  Error init(Kernel kernel);

  /// Folds the lines that end in `bytes`, which lie at `offset` of their generation; around them
  /// kPaddingBytes are readable. Returns how many bytes are done with: the caller brings the rest
  /// again, followed by more.
  size_t fold(std::string_view bytes, uint64_t offset);
  /// The generation ends: `rest`, what `fold` left, is a line although no LF follows.
  void end_generation(std::string_view rest, uint64_t offset);
  /// No generation follows, and `offset` bytes of this one are folded.
  void end_stream(uint64_t offset);

  [[nodiscard]] StreamMeter& meter() { return meter_; }
  [[nodiscard]] const StreamMeter& meter() const { return meter_; }
  [[nodiscard]] LineReader& reader() { return reader_; }
  [[nodiscard]] const LineReader& reader() const { return reader_; }
  [[nodiscard]] const PathCounts& paths() const { return paths_; }
  [[nodiscard]] size_t quarantine_bytes() const { return quarantine_.size(); }
  Bytes take_quarantine() { return quarantine_.take(); }

 private:
  /// Requests whose keys are fetched at once: what is fetched must not push out what was.
  static constexpr uint32_t kRequestsMax = 32;

  size_t fold_untried(std::string_view lines, uint64_t offset);
  size_t fold_tried(std::string_view lines, uint64_t offset);
  void fold_batch(std::string_view lines, uint64_t offset);
  uint32_t fold_requests(uint32_t first, uint64_t base);
  void fold_record(const LineSlot& slot, uint64_t offset);
  void fold_declined(const LineSlot& slot, uint64_t offset);
  void line(const Line& line) override;
  Outcome judge(const Line& line);
  void keep(Outcome outcome, const Line& line);

  const FolderOptions options_;
  const bool has_exclusions_;
  LineReader reader_;
  RecordParser parser_;
  StreamMeter meter_;
  /// None when the kernel is `reference`.
  std::unique_ptr<LineMatcher> matcher_;
  std::unique_ptr<LineBatch> batch_;
  std::array<Request, kRequestsMax> requests_;
  Record record_;
  ByteWriter quarantine_;
  PathCounts paths_{};
  /// Why the lines come here that are being decided by the reference parser.
  LinePath path_ = LinePath::kUntried;
};

}  // namespace mf
