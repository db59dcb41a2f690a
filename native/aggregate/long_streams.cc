#include "native/aggregate/long_streams.h"

#include <algorithm>

namespace mf {

const Amounts* LongStreams::last(std::string_view identity) const {
  const auto found = by_identity_.find(identity);
  return found == by_identity_.end() ? nullptr : &entries_[found->second].amounts;
}

void LongStreams::keep(std::string_view identity, const Amounts& amounts, int64_t window_start_ms) {
  const auto found = by_identity_.find(identity);
  uint32_t slot = 0;
  if (found != by_identity_.end()) {
    slot = found->second;
  } else {
    if (free_.empty()) {
      slot = static_cast<uint32_t>(entries_.size());
      entries_.emplace_back();
    } else {
      slot = free_.back();
      free_.pop_back();
    }
    entries_[slot].identity = identity;
    entries_[slot].used = true;
    by_identity_.emplace(entries_[slot].identity, slot);
  }
  entries_[slot].amounts = amounts;
  entries_[slot].touched_window_ms = window_start_ms;
  mark(slot);
}

void LongStreams::forget(std::string_view identity) {
  const auto found = by_identity_.find(identity);
  if (found != by_identity_.end()) {
    const uint32_t slot = found->second;
    by_identity_.erase(found);
    release(slot);
  }
}

void LongStreams::release(uint32_t slot) {
  entries_[slot] = Entry{};
  free_.push_back(slot);
  mark(slot);
}

void LongStreams::mark(uint32_t slot) {
  const size_t page = slot / kPageEntries;
  if (page >= changed_pages_.size()) {
    changed_pages_.resize(page + 1);
  }
  changed_pages_[page] = 1;
}

void LongStreams::drop_idle(int64_t closed_window_start_ms) {
  constexpr int64_t kIdleMs = 24 * 3'600'000LL;
  for (uint32_t slot = 0; slot < entries_.size(); ++slot) {
    const Entry& entry = entries_[slot];
    if (entry.used && closed_window_start_ms - entry.touched_window_ms > kIdleMs) {
      by_identity_.erase(entry.identity);
      release(slot);
    }
  }
}

void LongStreams::touch_all(int64_t window_start_ms) {
  for (uint32_t slot = 0; slot < entries_.size(); ++slot) {
    entries_[slot].touched_window_ms = window_start_ms;
    mark(slot);
  }
}

void LongStreams::snapshot(SnapshotPages& pages) {
  for (size_t page = 0; page < changed_pages_.size(); ++page) {
    if (changed_pages_[page] == 0) {
      continue;
    }
    changed_pages_[page] = 0;
    ByteWriter out;
    put_page_head(out, 's', PageKind::kStreams, page);
    const size_t head_bytes = out.size();
    const size_t end = std::min(entries_.size(), (page + 1) * kPageEntries);
    for (size_t slot = page * kPageEntries; slot < end; ++slot) {
      const Entry& entry = entries_[slot];
      if (entry.used) {
        out.put_text(entry.identity);
        out.put(entry.amounts);
        out.put(entry.touched_window_ms);
      }
    }
    const bool any = out.size() > head_bytes;
    pages.push_back({page_name('s', PageKind::kStreams, page), any ? out.take() : Bytes{}});
  }
}

bool LongStreams::restore(size_t number, ByteReader& in) {
  // Slots are found anew: an entry keeps its page, which is all that the next snapshot needs.
  constexpr size_t kPagesMax = 1 << 20;
  if (number > kPagesMax) {
    return false;
  }
  while (entries_.size() < (number + 1) * kPageEntries) {
    free_.push_back(static_cast<uint32_t>(entries_.size()));
    entries_.emplace_back();
  }
  for (size_t slot = number * kPageEntries; !in.done(); ++slot) {
    if (in.failed() || slot >= (number + 1) * kPageEntries) {
      return false;
    }
    Entry& entry = entries_[slot];
    entry.identity = in.get_text();
    entry.amounts = in.get<Amounts>();
    entry.touched_window_ms = in.get<int64_t>();
    entry.used = true;
    if (in.failed() || !by_identity_.emplace(entry.identity, static_cast<uint32_t>(slot)).second) {
      return false;
    }
    std::erase(free_, static_cast<uint32_t>(slot));
  }
  return true;
}

}  // namespace mf
