#include "native/aggregate/target_cache.h"

namespace mf {

void TargetCache::put(const Slot& slot) {
  size_t at = slot.hash & (slots_.size() - 1);
  while (slots_[at].count != 0) {
    at = (at + 1) & (slots_.size() - 1);
  }
  slots_[at] = slot;
}

Target& TargetCache::add(KeyView key, uint64_t hash, const Target& target) {
  if (size_ * 2 >= slots_.size()) {
    std::vector<Slot> old(slots_.empty() ? 64 : slots_.size() * 2);
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.count != 0) {
        put(slot);
      }
    }
  }
  Slot slot;
  slot.hash = hash;
  slot.begin = static_cast<uint32_t>(arena_.size());
  slot.count = key.count;
  slot.target = target;
  arena_.insert(arena_.end(), key.blocks, key.blocks + key.count);
  put(slot);
  ++size_;
  return *find(key, hash);
}

void TargetCache::clear() {
  slots_.clear();
  arena_.clear();
  size_ = 0;
}

}  // namespace mf
