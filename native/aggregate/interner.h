// Bytes to dense numbers: 0, 1, 2, ... in order of first appearance. Open addressing over a seeded
// hash, the bytes of all keys in one arena, equality by comparing bytes. Nothing is ever removed
// but by `clear`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "native/base/hash.h"

namespace mf {

class Interner {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  /// The number of `bytes`; kNone when they were never interned.
  [[nodiscard]] uint32_t find(std::string_view bytes) const {
    return slots_.empty() ? kNone : slots_[slot_of(bytes, hash_bytes(bytes))].id;
  }

  /// The number of `bytes`, which is new when it equals the `size()` before the call.
  uint32_t intern(std::string_view bytes) {
    const uint64_t hash = hash_bytes(bytes);
    if (size() * 2 >= slots_.size()) {
      grow();
    }
    const size_t at = slot_of(bytes, hash);
    if (slots_[at].id != kNone) {
      return slots_[at].id;
    }
    const auto id = static_cast<uint32_t>(size());
    slots_[at] = {id, tag_of(hash)};
    arena_.append(bytes);
    offsets_.push_back(arena_.size());
    return id;
  }

  /// The bytes of a number; valid until the next `intern`.
  [[nodiscard]] std::string_view text(uint32_t id) const {
    const uint64_t begin = offsets_[id];
    return {arena_.data() + begin, offsets_[id + 1] - begin};
  }

  [[nodiscard]] size_t size() const { return offsets_.size() - 1; }

  void clear() {
    offsets_.assign(1, 0);
    slots_.clear();
    arena_.clear();
  }

 private:
  /// The tag is a part of the hash that the slot's place does not use: it keeps a search from
  /// touching bytes that it does not want.
  struct Slot {
    uint32_t id = kNone;
    uint32_t tag = 0;
  };

  /// The slot of `bytes`, or the empty one where they belong.
  [[nodiscard]] size_t slot_of(std::string_view bytes, uint64_t hash) const {
    size_t at = hash & (slots_.size() - 1);
    while (slots_[at].id != kNone && !(slots_[at].tag == tag_of(hash) && is_text(at, bytes))) {
      at = (at + 1) & (slots_.size() - 1);
    }
    return at;
  }

  [[nodiscard]] bool is_text(size_t slot, std::string_view bytes) const {
    return text(slots_[slot].id) == bytes;
  }

  static uint32_t tag_of(uint64_t hash) { return static_cast<uint32_t>(hash >> 32); }

  void grow() {
    const size_t size = slots_.empty() ? 64 : slots_.size() * 2;
    slots_.assign(size, Slot{});
    for (uint32_t id = 0; id < this->size(); ++id) {
      const uint64_t hash = hash_bytes(text(id));
      size_t at = hash & (size - 1);
      while (slots_[at].id != kNone) {
        at = (at + 1) & (size - 1);
      }
      slots_[at] = {id, tag_of(hash)};
    }
  }

  /// Where in the arena the bytes of each number begin; one more, where the last ones end.
  std::vector<uint64_t> offsets_{0};
  std::vector<Slot> slots_;
  std::string arena_;
};

}  // namespace mf
