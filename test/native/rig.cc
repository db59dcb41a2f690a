#include "test/native/rig.h"

#include <algorithm>
#include <cstdio>

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

/// The rows of usage pages (usage_page.h), each as its amounts, columns and text, sorted.
std::string rows_of(const PageList& pages) {
  std::vector<std::string> sorted;
  for (size_t number = 0; number < pages.size(); ++number) {
    const std::string page(pages[number]);
    ByteReader head(page);
    CHECK(head.get<uint32_t>() == 0x3155464D);
    const auto rows = head.get<uint32_t>();
    const size_t columns = 4 + head.get<uint32_t>();
    const auto text_bytes = head.get<uint32_t>();
    const size_t amounts_at = 16;
    const size_t columns_at = amounts_at + rows * size_t{48};
    size_t text_at = columns_at + rows * columns * 4;
    CHECK(rows > 0 && rows <= 1024 && text_at + text_bytes == page.size());
    for (size_t row = 0; row < rows; ++row) {
      const std::string own = page.substr(columns_at + row * columns * 4, columns * 4);
      ByteReader lengths(own);
      size_t text = 0;
      for (size_t column = 0; column < columns; ++column) {
        const auto value = lengths.get<uint32_t>();
        text += column == 1 || value == UINT32_MAX ? 0 : value;
      }
      CHECK(text_at + text <= page.size());
      sorted.push_back(page.substr(amounts_at + row * 48, 48) + own + page.substr(text_at, text));
      text_at += text;
    }
    CHECK(text_at == page.size());
  }
  std::ranges::sort(sorted);
  ByteWriter all;
  for (const std::string& row : sorted) {
    all.put_text(row);
  }
  return all.take();
}

}  // namespace

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

std::string part_of(const ClosedPart& part) {
  ByteWriter out;
  out.put(part.epoch);
  out.put(part.window_start_ms);
  out.put(part.window_ms);
  out.put(part.part);
  out.put(static_cast<uint8_t>(part.by_time));
  out.put(part.end_offset);
  out.put(part.outcomes);
  out.put_text(rows_of(part.pages));
  out.put_text(rows_of(part.unattributed));
  out.put_text(rows_of(part.projects));
  out.put_text(rows_of(part.reasons));
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

void Rig::drain() {
  for (const ClosedPart& part : engine_->take_closed()) {
    output_.parts.push_back(part_of(part));
  }
  output_.quarantine += engine_->take_quarantine();
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
  drain();
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
  drain();
  output_.counts = engine_->meter().counts();
  return std::move(output_);
}

}  // namespace mf::test
