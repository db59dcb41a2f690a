// Raw bytes of project, route and dimensions to where their usage goes. A cache that never decides:
// whoever clears it loses time and nothing else.
//
// Open addressing over a seeded hash. A slot is half a cache line and names the rest of what a line
// touches: the bytes, which are always compared, and the row of its totals. So a batch of lines can
// fetch all of that before it looks at any of it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "native/base/hash.h"
#include "native/base/outcome.h"

namespace mf {

/// Where usage goes. A key gets its number when it is admitted, so that keys beyond keys_max take
/// no memory.
struct Target {
  static constexpr uint32_t kNoKey = UINT32_MAX;

  Outcome outcome = Outcome::kMetered;
  uint32_t key = kNoKey;
};

/// The raw bytes that decide a target, in a fixed order.
using RawParts = std::span<const std::string_view>;

class TargetCache {
 public:
  /// `seed` is hash_seed(): who hashes many asks once.
  static uint64_t hash(RawParts parts, const HashSeed& seed) {
    uint64_t hash = 0;
    for (const std::string_view part : parts) {
      hash = hash_bytes(part, seed, hash);
    }
    return hash;
  }

  [[nodiscard]] size_t size() const { return size_; }

  /// Fetches the slot that a look-up begins with.
  void prefetch(uint64_t hash) const {
    if (!slots_.empty()) {
      __builtin_prefetch(&slots_[hash & (slots_.size() - 1)]);
    }
  }
  /// Fetches the bytes that the slot names; the key, so that its row can be fetched too.
  [[nodiscard]] uint32_t prefetch_text(uint64_t hash) const {
    if (slots_.empty()) {
      return Target::kNoKey;
    }
    const Slot& slot = slots_[hash & (slots_.size() - 1)];
    __builtin_prefetch(arena_.data() + slot.begin);
    __builtin_prefetch(arena_.data() + slot.begin + 64);
    return slot.target.key;
  }

  /// The target of these bytes; nullptr when they were not added. Valid until the next `add`.
  Target* find(RawParts parts, uint64_t hash) {
    if (slots_.empty()) {
      return nullptr;
    }
    Slot* slot = &slots_[hash & (slots_.size() - 1)];
    while (slot->is_used && !(slot->hash == hash && is_text(slot->begin, parts))) {
      slot = slot + 1 == slots_.data() + slots_.size() ? slots_.data() : slot + 1;
    }
    return slot->is_used ? &slot->target : nullptr;
  }

  /// Adds what `find` did not find.
  Target& add(RawParts parts, uint64_t hash, const Target& target);
  void clear();

 private:
  struct alignas(32) Slot {
    uint64_t hash = 0;
    /// Where its bytes begin: of each part the length, then the part.
    uint64_t begin = 0;
    Target target;
    bool is_used = false;
  };

  [[nodiscard]] bool is_text(uint64_t begin, RawParts parts) const;
  void put(const Slot& slot);

  std::vector<Slot> slots_;
  std::string arena_;
  size_t size_ = 0;
};

}  // namespace mf
