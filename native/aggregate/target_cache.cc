#include "native/aggregate/target_cache.h"

#include <cstring>

#include "native/base/equal_bytes.h"

namespace mf {

bool TargetCache::is_text(uint64_t begin, RawParts parts) const {
  const char* text = arena_.data() + begin;
  for (const std::string_view part : parts) {
    uint32_t size = 0;
    std::memcpy(&size, text, sizeof size);
    text += sizeof size;
    if (size != part.size() || !equal_bytes(text, part)) {
      return false;
    }
    text += size;
  }
  return true;
}

void TargetCache::put(const Slot& slot) {
  size_t at = slot.hash & (slots_.size() - 1);
  while (slots_[at].is_used) {
    at = (at + 1) & (slots_.size() - 1);
  }
  slots_[at] = slot;
}

Target& TargetCache::add(RawParts parts, uint64_t hash, const Target& target) {
  if (size_ * 2 >= slots_.size()) {
    std::vector<Slot> old(slots_.empty() ? 64 : slots_.size() * 2);
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.is_used) {
        put(slot);
      }
    }
  }
  Slot slot;
  slot.hash = hash;
  slot.begin = arena_.size();
  slot.target = target;
  slot.is_used = true;
  for (const std::string_view part : parts) {
    const auto size = static_cast<uint32_t>(part.size());
    arena_.append(reinterpret_cast<const char*>(&size), sizeof size);
    arena_.append(part);
  }
  put(slot);
  ++size_;
  return *find(parts, hash);
}

void TargetCache::clear() {
  slots_.clear();
  arena_.clear();
  size_ = 0;
}

}  // namespace mf
