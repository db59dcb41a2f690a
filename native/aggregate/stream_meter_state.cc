// What a commit keeps of a meter, and how a meter goes on from it.

#include <algorithm>

#include "native/aggregate/stream_meter.h"

namespace mf {
namespace {

/// What a count of a snapshot may be: with room for all that is still to come.
bool is_count(int64_t count) {
  return count >= 0 && count <= INT64_MAX / 2;
}

}  // namespace

void StreamMeter::snapshot(SnapshotPages& pages) {
  metered_.snapshot(pages);
  unattributed_.snapshot(pages);
  long_streams_.snapshot(pages);
}

bool StreamMeter::restore_page(std::string_view page) {
  ByteReader in(page);
  PageHead head;
  if (!get_page_head(in, head)) {
    return false;
  }
  if (head.kind == PageKind::kStreams) {
    return long_streams_.restore(head.number, in);
  }
  if (head.table != 'm' && head.table != 'u') {
    return false;
  }
  return (head.table == 'm' ? metered_ : unattributed_).restore(head.kind, head.number, in);
}

void StreamMeter::save(ByteWriter& out) const {
  window_.save(out);
  metered_.save(out);
  unattributed_.save(out);
  save_piece(out, part_counts_);
}

void StreamMeter::checkpoint(ByteWriter& out, SnapshotPages& pages) const {
  window_.save(out);
  UsageTable::save_empty(out);
  UsageTable::save_empty(out);
  // Outcomes since the last close belong to the totals that are left out, or, when nothing is open,
  // to the piece that comes next. The sums of the window stay: they decide what overflows.
  save_piece(out, open_ ? OutcomeCounts{} : part_counts_);
  long_streams_.checkpoint(pages);
}

void StreamMeter::save_piece(ByteWriter& out, const OutcomeCounts& part_counts) const {
  out.put(static_cast<uint8_t>(open_));
  out.put(part_);
  out.put(window_sums_);
  out.put(counts_);
  out.put(part_counts);
}

bool StreamMeter::load(ByteReader& in) {
  if (!window_.load(in) || !metered_.load(in) || !unattributed_.load(in)) {
    return false;
  }
  open_ = in.get<uint8_t>() != 0;
  part_ = in.get<int64_t>();
  window_sums_ = in.get<Totals>();
  counts_ = in.get<OutcomeCounts>();
  part_counts_ = in.get<OutcomeCounts>();
  return !in.failed() && is_count(part_) && window_sums_.is_counted() &&
         std::ranges::all_of(counts_, is_count) && std::ranges::all_of(part_counts_, is_count);
}

}  // namespace mf
