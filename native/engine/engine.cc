#include "native/engine/engine.h"

#include <algorithm>
#include <cstring>

#include "native/base/limits.h"
#include "native/read/file_reader.h"

namespace mf {
namespace {

constexpr uint32_t kSnapshotVersion = 1;

}  // namespace

Engine::Engine(const EngineOptions& options)
    : kernel_(options.kernel),
      lines_({options.envelope, options.line_bytes_max, options.keep_quarantine}, options.meter) {}

Error Engine::init() {
  Kernel kernel = Kernel::kReference;
  if (kernel_.has_value()) {
    kernel = *kernel_;
  } else if (!chosen_kernel(kernel)) {
    return Error::kKernelUnknown;
  }
  return lines_.init(kernel);
}

/// Where the next `bytes` go: behind what is held, with room for the kernels around all of it.
char* Engine::room(size_t bytes) {
  const size_t size = kPaddingBytes + held_ + bytes + kPaddingBytes;
  if (buffer_.size() < size) {
    buffer_.resize(size);
  }
  return buffer_.data() + kPaddingBytes + held_;
}

void Engine::fold(size_t added) {
  char* held = buffer_.data() + kPaddingBytes;
  const size_t filled = held_ + added;
  const size_t used = lines_.fold({held, filled}, offset_);
  offset_ += used;
  held_ = filled - used;
  if (used > 0) {
    std::memmove(held, held + used, held_);
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
  const std::string_view rest =
      held_ > 0 ? std::string_view(buffer_.data() + kPaddingBytes, held_) : std::string_view();
  lines_.end_generation(rest, offset_);
  held_ = 0;
  offset_ = 0;
}

void Engine::seek(uint64_t offset) {
  held_ = 0;
  offset_ = offset;
}

void Engine::save_head(ByteWriter& head) const {
  head.put(kSnapshotVersion);
  head.put(offset_);
  lines_.reader().save(head);
}

EngineSnapshot Engine::snapshot() {
  EngineSnapshot snapshot;
  ByteWriter head;
  save_head(head);
  lines_.meter().save(head);
  lines_.meter().snapshot(snapshot.pages);
  snapshot.head = head.take();
  return snapshot;
}

EngineSnapshot Engine::checkpoint() const {
  EngineSnapshot checkpoint;
  ByteWriter head;
  save_head(head);
  lines_.meter().checkpoint(head, checkpoint.pages);
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
    if (!lines_.meter().restore_page(page)) {
      return Error::kSnapshotDamaged;
    }
  }
  ByteReader in(head);
  if (in.get<uint32_t>() != kSnapshotVersion) {
    return Error::kSnapshotDamaged;
  }
  offset_ = in.get<uint64_t>();
  if (!lines_.reader().load(in) || !lines_.meter().load(in) || !in.done()) {
    return Error::kSnapshotDamaged;
  }
  return Error::kNone;
}

}  // namespace mf
