#include "native/aggregate/usage_table.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "native/aggregate/usage_key.h"
#include "native/base/limits.h"

namespace mf {
namespace {

constexpr uint8_t kAdmitted = 1;
constexpr uint8_t kTouched = 2;
constexpr uint8_t kCounted = 4;

}  // namespace

uint32_t UsageTable::key(std::string_view encoded) {
  const uint32_t id = keys_.intern(encoded);
  if (id == rows_.size()) {
    rows_.emplace_back();
    if (id % kPageKeys == 0) {
      pages_.emplace_back();
    }
    pages_[id / kPageKeys].keys_changed = true;
  }
  return id;
}

std::string_view UsageTable::project(uint32_t id) const {
  // encode_key puts the length of the project first and its text behind the columns.
  const std::string_view encoded = keys_.text(id);
  ByteReader in(encoded);
  const auto length = in.get<uint32_t>();
  return encoded.substr((4 + dimensions_) * sizeof(uint32_t), length);
}

/// Adds to a key that was not touched in this part, or whose totals are full.
void UsageTable::add_first(uint32_t id, const Totals& more, bool counted) {
  Row& row = rows_[id];
  if (row.admitted != segment_) {
    row.admitted = segment_;
    row.counted = counted;
    admitted_ += counted ? 1 : 0;
  }
  if (!row.touched) {
    row.touched = true;
    touched_.push_back(id);
  }
  if (!row.totals.add(more)) {
    full_.emplace_back(id, row.totals);
    row.totals = more;
  }
  pages_[id / kPageKeys].totals_changed = true;
}

UsageTable::OpenRows UsageTable::open_rows() const {
  OpenRows open;
  open.rows.reserve(full_.size() + touched_.size());
  open.carries.reserve(full_.size() + touched_.size());
  // Of a key with several rows each takes up what the one before it left.
  std::unordered_map<uint32_t, uint16_t> carried;
  const auto put = [&](uint32_t id, const Totals& totals) {
    const auto before = carried.empty() ? carried.end() : carried.find(id);
    const uint16_t carry_ms = before == carried.end() ? rows_[id].carry_ms : before->second;
    // The carry is added to the remainder, not to the sum, which may be near 2^63.
    const int64_t rest = totals.duration_ms % 1000 + carry_ms;
    open.rows.push_back({keys_.text(id), totals, totals.duration_ms / 1000 + rest / 1000});
    open.carries.emplace_back(id, static_cast<uint16_t>(rest % 1000));
  };
  for (const auto& [id, totals] : full_) {
    put(id, totals);
    carried[id] = open.carries.back().second;
  }
  for (const uint32_t id : touched_) {
    put(id, rows_[id].totals);
  }
  return open;
}

UsagePart UsageTable::pack_part(const std::vector<UsageRow>& rows) const {
  return {pack_usage_pages(rows, dimensions_), pack_usage_sums(rows, dimensions_, sum_by_)};
}

UsagePart UsageTable::close_part() {
  const OpenRows open = open_rows();
  for (const auto& [id, carry_ms] : open.carries) {
    if (carry_ms != rows_[id].carry_ms) {
      rows_[id].carry_ms = carry_ms;
      pages_[id / kPageKeys].carries_changed = true;
    }
  }
  for (const uint32_t id : touched_) {
    rows_[id].totals = Totals{};
    rows_[id].touched = false;
    pages_[id / kPageKeys].totals_changed = true;
  }
  full_.clear();
  touched_.clear();
  return pack_part(open.rows);
}

void UsageTable::merge_part() {
  merged_.resize(rows_.size());
  const auto merge = [this](uint32_t id, const Totals& totals) {
    if (!merged_[id].add(totals)) {
      merged_full_.emplace_back(id, std::exchange(merged_[id], totals));
    }
  };
  for (const auto& [id, totals] : full_) {
    merge(id, totals);
  }
  for (const uint32_t id : touched_) {
    merge(id, rows_[id].totals);
    rows_[id].totals = Totals{};
    rows_[id].touched = false;
  }
  full_.clear();
  touched_.clear();
}

PageList UsageTable::take_merged() {
  std::vector<UsageRow> rows;
  rows.reserve(merged_full_.size() + merged_.size());
  for (const auto& [id, totals] : merged_full_) {
    rows.push_back({keys_.text(id), totals, 0});
  }
  for (uint32_t id = 0; id < merged_.size(); ++id) {
    rows.push_back({keys_.text(id), merged_[id], 0});
  }
  PageList pages = pack_usage_pages(rows, dimensions_);
  merged_.clear();
  merged_full_.clear();
  return pages;
}

void UsageTable::begin_segment() {
  ++segment_;
  admitted_ = 0;
  for (PageState& page : pages_) {
    page.totals_changed = page.totals_changed || page.totals_stored;
  }
}

void UsageTable::clear() {
  pages_to_drop_ = std::max(pages_to_drop_, pages_.size());
  keys_.clear();
  rows_.clear();
  touched_.clear();
  full_.clear();
  pages_.clear();
  admitted_ = 0;
}

bool UsageTable::has_admitted(size_t page) const {
  const size_t end = std::min(rows_.size(), (page + 1) * kPageKeys);
  for (size_t id = page * kPageKeys; id < end; ++id) {
    if (rows_[id].admitted == segment_) {
      return true;
    }
  }
  return false;
}

Bytes UsageTable::pack_keys(size_t page) const {
  ByteWriter out;
  put_page_head(out, letter_, PageKind::kKeys, page);
  const size_t end = std::min(rows_.size(), (page + 1) * kPageKeys);
  for (size_t id = page * kPageKeys; id < end; ++id) {
    out.put_text(keys_.text(static_cast<uint32_t>(id)));
  }
  return out.take();
}

Bytes UsageTable::pack_totals(size_t page) const {
  if (!has_admitted(page)) {
    return {};
  }
  ByteWriter out;
  put_page_head(out, letter_, PageKind::kTotals, page);
  const size_t end = std::min(rows_.size(), (page + 1) * kPageKeys);
  for (size_t id = page * kPageKeys; id < end; ++id) {
    const Row& row = rows_[id];
    const bool admitted = row.admitted == segment_;
    out.put(static_cast<uint8_t>((admitted ? kAdmitted : 0) | (row.touched ? kTouched : 0) |
                                 (row.counted ? kCounted : 0)));
    if (row.touched) {
      out.put(row.totals);
    }
  }
  return out.take();
}

Bytes UsageTable::pack_carries(size_t page) const {
  ByteWriter out;
  put_page_head(out, letter_, PageKind::kCarries, page);
  const size_t end = std::min(rows_.size(), (page + 1) * kPageKeys);
  for (size_t id = page * kPageKeys; id < end; ++id) {
    out.put(rows_[id].carry_ms);
  }
  return out.take();
}

void UsageTable::snapshot(SnapshotPages& pages) {
  for (size_t page = pages_.size(); page < pages_to_drop_; ++page) {
    for (const PageKind kind : {PageKind::kKeys, PageKind::kTotals, PageKind::kCarries}) {
      pages.add(page_name(letter_, kind, page), {});
    }
  }
  for (size_t page = 0; page < pages_.size(); ++page) {
    PageState& state = pages_[page];
    // A page that stood there before `clear` is overwritten or dropped, whatever it held.
    const bool replaces = page < pages_to_drop_;
    if (state.keys_changed) {
      pages.add(page_name(letter_, PageKind::kKeys, page), pack_keys(page));
    }
    if (state.totals_changed || replaces) {
      const Bytes bytes = pack_totals(page);
      if (!bytes.empty() || state.totals_stored || replaces) {
        state.totals_stored = !bytes.empty();
        pages.add(page_name(letter_, PageKind::kTotals, page), bytes);
      }
    }
    if (state.carries_changed || replaces) {
      pages.add(page_name(letter_, PageKind::kCarries, page), pack_carries(page));
    }
    state.keys_changed = state.totals_changed = state.carries_changed = false;
  }
  pages_to_drop_ = 0;
}

bool UsageTable::restore(PageKind kind, size_t number, ByteReader& in) {
  const size_t first = number * kPageKeys;
  if (kind == PageKind::kKeys) {
    if (first != rows_.size()) {
      return false;
    }
    while (!in.done() && !in.failed() && rows_.size() < first + kPageKeys) {
      const std::string_view encoded = in.get_text();
      if (!is_encoded_key(encoded, dimensions_) || key(encoded) + 1 != rows_.size()) {
        return false;
      }
    }
    if (number < pages_.size()) {
      pages_[number].keys_changed = false;
    }
    return in.done();
  }
  if (number >= pages_.size()) {
    return false;
  }
  return kind == PageKind::kCarries ? restore_carries(number, in) : restore_totals(number, in);
}

bool UsageTable::restore_carries(size_t page, ByteReader& in) {
  const size_t end = std::min(rows_.size(), (page + 1) * kPageKeys);
  for (size_t id = page * kPageKeys; id < end && !in.done(); ++id) {
    rows_[id].carry_ms = in.get<uint16_t>();
    if (rows_[id].carry_ms >= 1000) {
      return false;
    }
  }
  return in.done();
}

bool UsageTable::restore_totals(size_t page, ByteReader& in) {
  if (std::exchange(pages_[page].totals_stored, true)) {
    return false;
  }
  const size_t end = std::min(rows_.size(), (page + 1) * kPageKeys);
  for (size_t id = page * kPageKeys; id < end && !in.done(); ++id) {
    Row& row = rows_[id];
    const auto flags = in.get<uint8_t>();
    row.counted = (flags & kCounted) != 0;
    row.touched = (flags & kTouched) != 0;
    row.admitted = (flags & kAdmitted) != 0 ? segment_ : 0;
    admitted_ += row.admitted == segment_ && row.counted ? 1 : 0;
    if (row.touched) {
      row.totals = in.get<Totals>();
      touched_.push_back(static_cast<uint32_t>(id));
    }
    if (!row.totals.is_counted()) {
      return false;
    }
  }
  return in.done();
}

void UsageTable::save(ByteWriter& out) const {
  out.put(static_cast<uint32_t>(full_.size()));
  for (const auto& [id, totals] : full_) {
    out.put(id);
    out.put(totals);
  }
}

bool UsageTable::load(ByteReader& in) {
  const auto count = in.get<uint32_t>();
  for (uint32_t i = 0; i < count; ++i) {
    const auto id = in.get<uint32_t>();
    const auto totals = in.get<Totals>();
    if (in.failed() || id >= rows_.size() || !totals.is_counted()) {
      return false;
    }
    full_.emplace_back(id, totals);
  }
  return !in.failed();
}

}  // namespace mf
