#include "native/engine/engine.h"

#include <algorithm>
#include <cstring>

#include "native/base/limits.h"
#include "native/read/file_reader.h"

namespace mf {
namespace {

constexpr uint32_t kSnapshotVersion = 1;

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

Engine::Engine(const EngineOptions& options)
    : line_bytes_max_(options.line_bytes_max),
      keep_quarantine_(options.keep_quarantine),
      reader_(options.envelope, options.line_bytes_max, options.keep_quarantine),
      parser_(options.meter.format),
      meter_(options.meter) {}

char* Engine::room(size_t bytes) {
  if (buffer_.size() < held_ + bytes) {
    buffer_.resize(held_ + bytes);
  }
  return buffer_.data() + held_;
}

void Engine::fold(size_t added) {
  const size_t filled = held_ + added;
  const size_t used = reader_.consume({buffer_.data(), filled}, offset_, *this);
  offset_ += used;
  held_ = filled - used;
  if (used > 0) {
    std::memmove(buffer_.data(), buffer_.data() + used, held_);
  }
}

void Engine::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    const size_t size = std::min(bytes.size(), kReadBytes);
    std::memcpy(room(size), bytes.data(), size);
    fold(size);
    bytes.remove_prefix(size);
  }
}

Error Engine::read(int fd, uint64_t bytes_max, uint64_t& got, int& error_number) {
  got = 0;
  while (got < bytes_max) {
    const auto size = static_cast<size_t>(std::min<uint64_t>(bytes_max - got, kReadBytes));
    size_t count = 0;
    const Error error = read_at(fd, read_offset(), {room(size), size}, count, error_number);
    fold(count);
    got += count;
    if (error != Error::kNone || count < size) {
      return error;
    }
  }
  return Error::kNone;
}

void Engine::end_generation() {
  reader_.end_generation({buffer_.data(), held_}, offset_, *this);
  held_ = 0;
  offset_ = 0;
}

void Engine::seek(uint64_t offset) {
  held_ = 0;
  offset_ = offset;
}

void Engine::end_stream() {
  reader_.end_stream(*this);
  meter_.end_stream(offset_);
}

void Engine::line(const Line& line) {
  const Outcome outcome = judge(line);
  if (keep_quarantine_ && is_quarantined(outcome)) {
    put_quarantined(quarantine_, outcome, line);
  }
}

Outcome Engine::judge(const Line& line) {
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
  return meter_.fold(record_, {line.time, line.offset});
}

void Engine::save_head(ByteWriter& head) const {
  head.put(kSnapshotVersion);
  head.put(offset_);
  reader_.save(head);
}

EngineSnapshot Engine::snapshot() {
  EngineSnapshot snapshot;
  ByteWriter head;
  save_head(head);
  meter_.save(head);
  meter_.snapshot(snapshot.pages);
  snapshot.head = head.take();
  return snapshot;
}

EngineSnapshot Engine::checkpoint() const {
  EngineSnapshot checkpoint;
  ByteWriter head;
  save_head(head);
  meter_.checkpoint(head, checkpoint.pages);
  checkpoint.head = head.take();
  return checkpoint;
}

Error Engine::restore(std::string_view head, const std::vector<std::string_view>& pages) {
  // Pages of keys define the numbers that the others use: they come first, in order.
  std::vector<std::string_view> ordered = pages;
  const auto rank = [](std::string_view page) {
    ByteReader in(page);
    const bool keys = in.get<char>() == static_cast<char>(PageKind::kKeys);
    (void)in.get<char>();
    return std::pair(keys ? 0 : 1, in.get<uint32_t>());
  };
  std::ranges::sort(ordered, {}, rank);
  for (const std::string_view page : ordered) {
    if (!meter_.restore_page(page)) {
      return Error::kSnapshotDamaged;
    }
  }
  ByteReader in(head);
  if (in.get<uint32_t>() != kSnapshotVersion) {
    return Error::kSnapshotDamaged;
  }
  offset_ = in.get<uint64_t>();
  if (!reader_.load(in) || !meter_.load(in) || !in.done()) {
    return Error::kSnapshotDamaged;
  }
  return Error::kNone;
}

}  // namespace mf
