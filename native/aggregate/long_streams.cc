#include "native/aggregate/long_streams.h"

#include <algorithm>

#include "native/parse/clock.h"

namespace mf {

const Amounts* LongStreams::last(std::string_view identity) const {
  const auto found = by_identity_.find(identity);
  return found == by_identity_.end() ? nullptr : &at(found->second).amounts;
}

void LongStreams::keep(std::string_view identity, const Amounts& amounts, int64_t window_start_ms) {
  const auto found = by_identity_.find(identity);
  uint32_t slot = 0;
  if (found != by_identity_.end()) {
    slot = found->second;
  } else {
    slot = take_slot();
    at(slot).identity = identity;
    at(slot).used = true;
    by_identity_.emplace(at(slot).identity, slot);
  }
  at(slot).amounts = amounts;
  at(slot).touched_window_ms = window_start_ms;
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

void LongStreams::add_free(size_t number, size_t used_entries) {
  // The last first: slots are taken from the back.
  for (size_t i = kPageEntries; i > used_entries; --i) {
    free_.push_back(static_cast<uint32_t>(number * kPageEntries + i - 1));
  }
}

uint32_t LongStreams::take_slot() {
  if (free_.empty()) {
    const auto unmade =
        std::ranges::find_if(pages_, [](const auto& page) { return page == nullptr; });
    const auto number = static_cast<size_t>(unmade - pages_.begin());
    if (unmade == pages_.end()) {
      pages_.emplace_back();
    }
    pages_[number] = std::make_unique<Page>();
    add_free(number, 0);
  }
  const uint32_t slot = free_.back();
  free_.pop_back();
  return slot;
}

void LongStreams::release(uint32_t slot) {
  at(slot) = Entry{};
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
  if (by_identity_.empty()) {
    return;
  }
  for (size_t number = 0; number < pages_.size(); ++number) {
    for (size_t i = 0; pages_[number] != nullptr && i < kPageEntries; ++i) {
      const Entry& entry = (*pages_[number])[i];
      if (entry.used && closed_window_start_ms - entry.touched_window_ms > kIdleMs) {
        by_identity_.erase(entry.identity);
        release(static_cast<uint32_t>(number * kPageEntries + i));
      }
    }
  }
}

void LongStreams::touch_all(int64_t window_start_ms) {
  for (const auto& [identity, slot] : by_identity_) {
    at(slot).touched_window_ms = window_start_ms;
    mark(slot);
  }
}

Bytes LongStreams::pack(size_t page) const {
  if (pages_[page] == nullptr) {
    return {};
  }
  ByteWriter out;
  put_page_head(out, 's', PageKind::kStreams, page);
  const size_t head_bytes = out.size();
  for (const Entry& entry : *pages_[page]) {
    if (entry.used) {
      out.put_text(entry.identity);
      out.put(entry.amounts);
      out.put(entry.touched_window_ms);
    }
  }
  return out.size() > head_bytes ? out.take() : Bytes{};
}

void LongStreams::snapshot(SnapshotPages& pages) {
  for (size_t number = 0; number < changed_pages_.size(); ++number) {
    if (changed_pages_[number] != 0) {
      changed_pages_[number] = 0;
      pages.add(page_name('s', PageKind::kStreams, number), pack(number));
    }
  }
}

void LongStreams::checkpoint(SnapshotPages& pages) const {
  for (size_t number = 0; number < pages_.size(); ++number) {
    const Bytes bytes = pack(number);
    if (!bytes.empty()) {
      pages.add(page_name('s', PageKind::kStreams, number), bytes);
    }
  }
}

bool LongStreams::restore(size_t number, ByteReader& in) {
  // Slots are found anew: an entry keeps its page, which is all that the next snapshot needs.
  if (number >= kPagesMax || (number < pages_.size() && pages_[number] != nullptr)) {
    return false;
  }
  pages_.resize(std::max(pages_.size(), number + 1));
  pages_[number] = std::make_unique<Page>();
  size_t used = 0;
  for (; !in.done(); ++used) {
    if (used == kPageEntries) {
      return false;
    }
    Entry& entry = (*pages_[number])[used];
    entry.identity = in.get_text();
    entry.amounts = in.get<Amounts>();
    entry.touched_window_ms = in.get<int64_t>();
    entry.used = true;
    const auto slot = static_cast<uint32_t>(number * kPageEntries + used);
    const bool touched = entry.touched_window_ms == 0 || is_clock(entry.touched_window_ms);
    if (in.failed() || !touched || !by_identity_.emplace(entry.identity, slot).second) {
      return false;
    }
  }
  add_free(number, used);
  return true;
}

}  // namespace mf
