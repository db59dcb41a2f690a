#include "native/parse/shape_store.h"

#include <algorithm>

namespace mf {

void ShapeStore::count(uint32_t tried, uint32_t matched) {
  tried_ += tried;
  matched_ += matched;
  if (tried_ < kTrialLines) {
    return;
  }
  // An index costs about an eighth of what a matched line saves.
  const bool pays = uint64_t{matched_} * 8 >= tried_;
  if (pays) {
    next_rest_lines_ = kRestLinesMin;
  } else {
    rest_lines_ = next_rest_lines_;
    next_rest_lines_ = std::min(next_rest_lines_ * 2, kRestLinesMax);
  }
  if (uint64_t{matched_} * 2 >= tried_) {
    // Shapes fit: what does not is worth learning soon.
    learn_wait_ = std::max(learn_wait_ / 2, 1U);
  }
  tried_ = matched_ = 0;
  for (uint32_t shape = 0; shape < size_; ++shape) {
    shapes_[shape]->matches -= shapes_[shape]->matches / 8;
  }
}

bool ShapeStore::wants_more() {
  if (waiting_ != nullptr) {
    // Lines of this batch that are alike would all teach the same.
    return false;
  }
  ++unlearned_;
  const bool wants = learned_ < kShapesMax || unlearned_ >= learn_wait_;
  if (wants) {
    unlearned_ = 0;
    ++learned_;
    learn_wait_ = std::min(learn_wait_ * 2, kLearnWaitMax);
  }
  return wants;
}

void ShapeStore::install() {
  if (waiting_ == nullptr) {
    return;
  }
  uint32_t place = size_;
  if (size_ < kShapesMax) {
    ++size_;
  } else {
    const auto least =
        std::ranges::min_element(shapes_, {}, [](const auto& shape) { return shape->matches; });
    place = static_cast<uint32_t>(least - shapes_.begin());
  }
  shapes_[place] = std::move(waiting_);
}

}  // namespace mf
