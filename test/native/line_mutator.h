// Seeded logs that are hard for a matcher of line shapes: runs of lines that are alike, as a shape
// needs them, whose values change, with damage of all kinds sprinkled in.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "test/native/rig.h"

namespace mf::test {

class LineMutator {
 public:
  /// Lines are drawn from `logs`, one log at a time.
  explicit LineMutator(const std::vector<std::string>& logs);

  /// A log of some hundred lines.
  std::string log(Dice& dice) const;

 private:
  static void vary_values(std::string& line, Dice& dice);
  void damage(std::string& line, const std::vector<std::string_view>& others, Dice& dice) const;

  std::vector<std::vector<std::string_view>> logs_;
};

}  // namespace mf::test
