#include "test/native/rig.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "test/native/check.h"

namespace mf::test {
namespace {

/// Keys in the order of Role.
Format format_of(const std::vector<std::string>& keys) {
  Format format;
  for (size_t i = 0; i < keys.size(); ++i) {
    format.roles[i] = keys[i].empty() ? kNotMapped : static_cast<int>(format.paths.size());
    if (!keys[i].empty()) {
      format.paths.push_back({keys[i]});
    }
  }
  return format;
}

/// Rows sorted, in a form in which equal means equal.
std::string text_of(const PageList& pages, bool with_seconds) {
  std::vector<std::string> sorted;
  for (const PageRow& row : rows_of(pages)) {
    ByteWriter text;
    for (size_t i = 0; i < (with_seconds ? 6 : 5); ++i) {
      text.put(row.amounts[i]);
    }
    sorted.push_back(text.take() + row.columns);
  }
  std::ranges::sort(sorted);
  ByteWriter all;
  for (const std::string& row : sorted) {
    all.put_text(row);
  }
  return all.take();
}

}  // namespace

std::vector<PageRow> rows_of(const PageList& pages) {
  std::vector<PageRow> rows;
  for (size_t number = 0; number < pages.size(); ++number) {
    const std::string page(pages[number]);
    ByteReader head(page);
    CHECK(head.get<uint32_t>() == 0x3155464D);
    const auto count = head.get<uint32_t>();
    const size_t columns = 4 + head.get<uint32_t>();
    const auto text_bytes = head.get<uint32_t>();
    const size_t amounts_at = 16;
    const size_t columns_at = amounts_at + count * size_t{48};
    size_t text_at = columns_at + count * columns * 4;
    CHECK(count > 0 && count <= 1024 && text_at + text_bytes == page.size());
    for (size_t i = 0; i < count; ++i) {
      PageRow& row = rows.emplace_back();
      std::memcpy(row.amounts.data(), page.data() + amounts_at + i * 48, 48);
      const std::string own = page.substr(columns_at + i * columns * 4, columns * 4);
      ByteReader lengths(own);
      size_t text = 0;
      for (size_t column = 0; column < columns; ++column) {
        const auto value = lengths.get<uint32_t>();
        text += column == 1 || value == UINT32_MAX ? 0 : value;
        if (column == 0) {
          row.project = page.substr(text_at, value);
        } else if (column == 1) {
          row.kind = value;
        }
      }
      CHECK(text_at + text <= page.size());
      row.columns = own + page.substr(text_at, text);
      text_at += text;
    }
    CHECK(text_at == page.size());
  }
  return rows;
}

Format datum_format() {
  Format format =
      format_of({"project_name", "route_name", "bytes_sent", "bytes_received", "duration",
                 "start_time", "access_log_type", "stream_id", "connection_id", "response_flags",
                 "response_code", "response_code_details"});
  format.dimensions.push_back(static_cast<int>(format.paths.size()));
  format.paths.push_back({"protocol"});
  return format;
}

Format envoy_gateway_format() {
  Format format =
      format_of({"", "route_name", "bytes_sent", "bytes_received", "duration", "start_time", "", "",
                 "", "response_flags", "response_code", "response_code_details"});
  format.project_source = ProjectSource::kRouteNamespace;
  return format;
}

std::string part_of(const ClosedPart& part, bool with_seconds) {
  ByteWriter out;
  out.put(part.epoch);
  out.put(part.window_start_ms);
  out.put(part.window_ms);
  out.put(part.part);
  out.put(static_cast<uint8_t>(part.by_time));
  out.put(part.end_offset);
  out.put(part.outcomes);
  out.put_text(text_of(part.pages, with_seconds));
  out.put_text(text_of(part.unattributed, with_seconds));
  out.put_text(text_of(part.projects, with_seconds));
  out.put_text(text_of(part.reasons, with_seconds));
  return out.take();
}

std::string read_file(const char* path) {
  std::FILE* file = std::fopen(path, "rb");
  CHECK(file != nullptr);
  std::string bytes;
  std::vector<char> chunk(1 << 16);
  for (size_t got = 1; got > 0;) {
    got = std::fread(chunk.data(), 1, chunk.size(), file);
    bytes.append(chunk.data(), got);
  }
  CHECK(std::ferror(file) == 0);
  std::fclose(file);
  return bytes;
}

uint64_t Dice::next() {
  uint64_t z = state_ += 0x9E3779B97F4A7C15ULL;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

Rig::Rig(const EngineOptions& options)
    : options_(options), engine_(std::make_unique<Engine>(options)) {
  CHECK(engine_->init() == Error::kNone);
}

std::vector<ClosedPart> Rig::take() {
  std::vector<ClosedPart> parts = engine_->take_closed();
  for (const ClosedPart& part : parts) {
    output_.parts.push_back(part_of(part));
  }
  output_.quarantine += engine_->take_quarantine();
  return parts;
}

void Rig::store_snapshot() {
  EngineSnapshot snapshot = engine_->snapshot();
  head_ = std::move(snapshot.head);
  for (size_t page = 0; page < snapshot.pages.size(); ++page) {
    if (snapshot.pages.bytes(page).empty()) {
      pages_.erase(snapshot.pages.name(page));
    } else {
      pages_[snapshot.pages.name(page)] = snapshot.pages.bytes(page);
    }
  }
}

void Rig::restart() {
  (void)take();
  store_snapshot();
  std::vector<std::string_view> pages;
  for (const auto& [name, bytes] : pages_) {
    pages.emplace_back(bytes);
  }
  restore(head_, pages);
}

void Rig::restore(std::string_view head, const std::vector<std::string_view>& pages) {
  engine_ = std::make_unique<Engine>(options_);
  CHECK(engine_->init() == Error::kNone);
  CHECK(engine_->restore(head, pages) == Error::kNone);
}

Output Rig::finish() {
  engine_->end_stream();
  (void)take();
  output_.counts = engine_->meter().counts();
  return std::move(output_);
}

}  // namespace mf::test
