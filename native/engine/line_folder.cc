#include "native/engine/line_folder.h"

#include <algorithm>
#include <cstring>

#include "native/engine/quarantine.h"
#include "native/parse/match_kernels.h"

namespace mf {
namespace {

/// Bytes that go to the reader at once while the matcher is not asked.
constexpr size_t kUntriedBytes = 16 << 10;

Outcome outcome_of(LineFault fault) {
  switch (fault) {
    case LineFault::kBadEnvelope:
      return Outcome::kBadEnvelope;
    case LineFault::kCut:
      return Outcome::kCut;
    default:
      return Outcome::kTooLong;
  }
}

}  // namespace

LineFolder::LineFolder(const FolderOptions& options, const MeterOptions& meter)
    : options_(options),
      has_exclusions_(!meter.exclude.codes.empty() || !meter.exclude.flags.empty()),
      reader_(options.envelope, options.line_bytes_max, options.keep_quarantine),
      parser_(meter.format),
      meter_(meter) {}

Error LineFolder::init(Kernel kernel) {
  const Error error = parser_.init(options_.line_bytes_max);
  const MatchKernel* match_kernel = find_match_kernel(kernel);
  if (error == Error::kNone && match_kernel != nullptr) {
    const MatcherOptions options{options_.line_bytes_max, has_exclusions_};
    matcher_ = std::make_unique<LineMatcher>(meter_.format(), options, *match_kernel);
    batch_ = std::make_unique<LineBatch>();
  }
  return error;
}

size_t LineFolder::fold(std::string_view bytes, uint64_t offset) {
  const size_t whole = bytes.rfind('\n') + 1;
  size_t used = 0;
  while (used < whole) {
    const std::string_view lines = bytes.substr(used, whole - used);
    const bool tries = matcher_ != nullptr && matcher_->pays() && reader_.takes_whole_lines();
    used += tries ? fold_tried(lines, offset + used) : fold_untried(lines, offset + used);
  }
  path_ = LinePath::kUntried;
  return used + reader_.consume(bytes.substr(used), offset + used, *this);
}

/// Some lines by the reader: few, so that it is soon asked again whether the matcher may have them.
size_t LineFolder::fold_untried(std::string_view lines, uint64_t offset) {
  path_ = LinePath::kUntried;
  const int64_t before = paths_[static_cast<size_t>(path_)];
  const bool one = matcher_ != nullptr && matcher_->pays();
  const size_t end = one ? lines.find('\n') : lines.substr(0, kUntriedBytes).rfind('\n');
  const size_t size = (end == std::string_view::npos ? lines.find('\n') : end) + 1;
  const size_t used = reader_.consume(lines.substr(0, size), offset, *this);
  if (matcher_ != nullptr) {
    matcher_->rested(static_cast<uint64_t>(paths_[static_cast<size_t>(path_)] - before));
  }
  return used;
}

/// Lines by the matcher, as long as it pays.
size_t LineFolder::fold_tried(std::string_view lines, uint64_t offset) {
  matcher_->begin(lines, reader_.envelope());
  size_t used = 0;
  while (matcher_->pays() && matcher_->next(*batch_)) {
    const LineSlot& last = batch_->slots[batch_->count - 1];
    fold_batch(lines, offset);
    used = static_cast<size_t>(batch_->base - lines.data()) + last.end;
  }
  return used;
}

void LineFolder::fold_batch(std::string_view lines, uint64_t offset) {
  const uint64_t base = offset + static_cast<uint64_t>(batch_->base - lines.data());
  uint32_t i = 0;
  while (i < batch_->count) {
    const LineSlot& slot = batch_->slots[i];
    // After a part that goes on in the next line, lines are not whole until its end came.
    if (slot.state == kLineDeclined || !reader_.takes_whole_lines()) {
      fold_declined(slot, base + slot.begin);
      ++i;
    } else if (slot.state == kLineSimple) {
      i = fold_requests(i, base);
    } else {
      fold_record(slot, base + slot.begin);
      ++i;
    }
  }
}

/// Folds some simple lines from number `first` on, and gives the number of the line behind them.
uint32_t LineFolder::fold_requests(uint32_t first, uint64_t base) {
  uint32_t end = first;
  const uint32_t last = std::min(batch_->count, first + kRequestsMax);
  for (; end < last && batch_->slots[end].state == kLineSimple; ++end) {
    const LineSlot& slot = batch_->slots[end];
    Request& request = requests_[end - first];
    request.key_blocks = matcher_->read_key(*batch_, slot, request.key.data());
    static_assert(sizeof(Totals) == sizeof(LineSlot::totals));
    std::memcpy(&request.totals, slot.totals, sizeof slot.totals);
    request.clock_ms = slot.clock_ms;
    request.has_identity = matcher_->shape(slot).has_identity;
  }
  meter_.prepare({requests_.data(), end - first});
  for (uint32_t i = first; i < end; ++i) {
    const size_t folded = meter_.fold_requests({&requests_[i - first], end - i});
    paths_[static_cast<size_t>(LinePath::kBatch)] += static_cast<int64_t>(folded);
    i += static_cast<uint32_t>(folded);
    if (i < end) {
      fold_record(batch_->slots[i], base + batch_->slots[i].begin);
    }
  }
  return end;
}

void LineFolder::fold_record(const LineSlot& slot, uint64_t offset) {
  ++paths_[static_cast<size_t>(LinePath::kRecord)];
  Line line;
  line.content = matcher_->content(*batch_, slot);
  line.time = matcher_->envelope_time(*batch_, slot);
  line.offset = offset;
  matcher_->read(*batch_, slot, record_);
  keep(meter_.fold(record_, {line.time, offset}), line);
}

void LineFolder::fold_declined(const LineSlot& slot, uint64_t offset) {
  path_ = slot.state == kLineDeclined ? static_cast<LinePath>(slot.path) : LinePath::kUntried;
  (void)reader_.consume({batch_->base + slot.begin, slot.end - slot.begin}, offset, *this);
}

void LineFolder::end_generation(std::string_view rest, uint64_t offset) {
  path_ = LinePath::kUntried;
  reader_.end_generation(rest, offset, *this);
}

void LineFolder::end_stream(uint64_t offset) {
  path_ = LinePath::kUntried;
  reader_.end_stream(*this);
  meter_.end_stream(offset);
}

void LineFolder::line(const Line& line) {
  ++paths_[static_cast<size_t>(path_)];
  keep(judge(line), line);
}

void LineFolder::keep(Outcome outcome, const Line& line) {
  if (options_.keep_quarantine && is_quarantined(outcome)) {
    put_quarantined(quarantine_, outcome, line);
  }
}

Outcome LineFolder::judge(const Line& line) {
  const auto counted = [this](Outcome outcome) {
    meter_.count(outcome);
    return outcome;
  };
  if (line.output == OutputStream::kStderr) {
    return counted(Outcome::kStderr);
  }
  if (line.fault != LineFault::kNone) {
    return counted(outcome_of(line.fault));
  }
  if (line.content.empty()) {
    return counted(Outcome::kBlank);
  }
  if (line.content.front() != '{' && line.content.back() != '}') {
    return counted(Outcome::kNotJson);
  }
  switch (parser_.parse(line.content, record_)) {
    case LineVerdict::kMalformed:
      return counted(Outcome::kMalformed);
    case LineVerdict::kDuplicateKey:
      return counted(Outcome::kDuplicateKey);
    case LineVerdict::kAccepted:
      break;
  }
  if (path_ == LinePath::kShape && !record_.lenient) {
    matcher_->learn(line.content, record_);
  }
  return meter_.fold(record_, {line.time, line.offset});
}

}  // namespace mf
