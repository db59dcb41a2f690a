// The shapes of one stream, and when it pays to look for them.
//
// A stream has several: keys are left out when they have no value, a null has no quotes, two
// formats may share a node. New ones are learned from lines that matched none; the one that matched
// least makes room. Learning costs as much as some lines cost to parse, so after a shape for each
// place has been tried, it is tried ever more rarely.
//
// Where most lines match nothing (keys in random order, say) even the index is a waste: then the
// store rests for a while, and for twice as long each time that it was no better.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "native/parse/learned_shape.h"

namespace mf {

class ShapeStore {
 public:
  static constexpr uint32_t kShapesMax = 16;
  static constexpr uint32_t kNone = UINT32_MAX;

  [[nodiscard]] uint32_t size() const { return size_; }
  [[nodiscard]] LearnedShape& operator[](uint32_t shape) { return *shapes_[shape]; }
  [[nodiscard]] const LearnedShape& operator[](uint32_t shape) const { return *shapes_[shape]; }

  /// Counts lines that were tried, and those among them that matched.
  void count(uint32_t tried, uint32_t matched);

  /// True while lines should not be tried.
  [[nodiscard]] bool rests() const { return rest_lines_ > 0; }
  /// Counts lines that were not tried because the store rests.
  void rested(uint64_t lines) { rest_lines_ -= lines < rest_lines_ ? lines : rest_lines_; }

  /// True when a shape should be learned of a line that matched none; counts the question.
  bool wants_more();
  /// Takes a shape when `install` is called.
  void add(std::unique_ptr<LearnedShape> learned) { waiting_ = std::move(learned); }
  /// Makes what was added last a shape of the store: others may get its number.
  void install();

 private:
  static constexpr uint32_t kTrialLines = 512;
  static constexpr uint64_t kRestLinesMin = 1024;
  static constexpr uint64_t kRestLinesMax = 65'536;
  static constexpr uint32_t kLearnWaitMax = 4096;

  std::array<std::unique_ptr<LearnedShape>, kShapesMax> shapes_;
  std::unique_ptr<LearnedShape> waiting_;
  uint32_t size_ = 0;

  uint32_t tried_ = 0;
  uint32_t matched_ = 0;
  uint64_t rest_lines_ = 0;
  uint64_t next_rest_lines_ = kRestLinesMin;

  uint32_t learned_ = 0;
  uint32_t learn_wait_ = 1;
  uint32_t unlearned_ = 0;
};

}  // namespace mf
