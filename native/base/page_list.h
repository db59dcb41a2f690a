// Pages back to back in blocks of about a megabyte: how many pages leave the core as few buffers.
// A segment of a million keys has a thousand pages, and a buffer of its own for each would cost
// JavaScript's thread ten microseconds a page.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "native/base/bytes.h"

namespace mf {

class PageList {
 public:
  /// A page begins at a multiple of this in its block: amounts are read in place as 64 bits.
  static constexpr size_t kAlignBytes = 8;

  struct Place {
    uint32_t block = 0;
    uint32_t begin = 0;
    uint32_t size = 0;
  };

  void append(std::string_view page) {
    if (blocks_.empty() || blocks_.back().size() >= kBlockBytes) {
      blocks_.emplace_back();
    }
    Bytes& block = blocks_.back();
    block.append((kAlignBytes - block.size() % kAlignBytes) % kAlignBytes, '\0');
    places_.push_back({static_cast<uint32_t>(blocks_.size() - 1),
                       static_cast<uint32_t>(block.size()), static_cast<uint32_t>(page.size())});
    block.append(page);
  }

  [[nodiscard]] size_t size() const { return places_.size(); }
  [[nodiscard]] bool empty() const { return places_.empty(); }
  [[nodiscard]] std::string_view operator[](size_t page) const {
    const Place& place = places_[page];
    return std::string_view(blocks_[place.block]).substr(place.begin, place.size);
  }

  [[nodiscard]] size_t bytes() const {
    size_t sum = 0;
    for (const Bytes& block : blocks_) {
      sum += block.size();
    }
    return sum;
  }

  [[nodiscard]] const std::vector<Place>& places() const { return places_; }
  /// The blocks; the list begins anew.
  std::vector<Bytes> take_blocks() {
    places_.clear();
    return std::exchange(blocks_, {});
  }

 private:
  static constexpr size_t kBlockBytes = 1 << 20;

  std::vector<Bytes> blocks_;
  std::vector<Place> places_;
};

}  // namespace mf
