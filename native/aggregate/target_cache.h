// Raw bytes of project, route and dimensions to where their usage goes. A cache that never decides:
// whoever clears it loses time and nothing else.
//
// Open addressing over a seeded hash. A slot is half a cache line and names the rest of what a line
// touches: the bytes, which are always compared, and the row of its totals. So a batch of lines can
// fetch all of that before it looks at any of it.
#pragma once

#include <cstdint>
#include <vector>

#include "native/base/key_blocks.h"
#include "native/base/outcome.h"

namespace mf {

/// Where usage goes. A key gets its number when it is admitted, so that keys beyond keys_max take
/// no memory.
struct Target {
  static constexpr uint32_t kNoKey = UINT32_MAX;

  Outcome outcome = Outcome::kMetered;
  uint32_t key = kNoKey;
};

/// Keys are the raw texts that decide a target, in a fixed order; hashes are those of hash_key with
/// one seed.
class TargetCache {
 public:
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
    const KeyBlock* text = arena_.data() + slot.begin;
    __builtin_prefetch(text);
    __builtin_prefetch(text + 2);
    return slot.target.key;
  }

  /// The target of these bytes; nullptr when they were not added. Valid until the next `add`.
  Target* find(KeyView key, uint64_t hash) {
    if (slots_.empty()) {
      return nullptr;
    }
    Slot* slot = &slots_[hash & (slots_.size() - 1)];
    while (slot->count != 0 && !is_of(*slot, key, hash)) {
      slot = slot + 1 == slots_.data() + slots_.size() ? slots_.data() : slot + 1;
    }
    return slot->count != 0 ? &slot->target : nullptr;
  }

  /// Adds what `find` did not find.
  Target& add(KeyView key, uint64_t hash, const Target& target);
  void clear();

 private:
  struct alignas(32) Slot {
    uint64_t hash = 0;
    /// Where its blocks begin, and how many there are; 0: the slot is free.
    uint32_t begin = 0;
    uint32_t count = 0;
    Target target;
  };

  [[nodiscard]] bool is_of(const Slot& slot, KeyView key, uint64_t hash) const {
    return slot.hash == hash && slot.count == key.count &&
           equal_keys(arena_.data() + slot.begin, key);
  }
  void put(const Slot& slot);

  std::vector<Slot> slots_;
  std::vector<KeyBlock> arena_;
  size_t size_ = 0;
};

}  // namespace mf
