// What the C++ tests share: formats, files, and an engine that can be stopped and taken up again
// from its snapshot, as after a crash.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "native/engine/engine.h"

namespace mf::test {

/// Keys as in src/config/presets.ts; datum with one dimension that is read from the line.
Format datum_format();
Format envoy_gateway_format();

std::string read_file(const char* path);

/// What a closed part holds, its rows sorted; checks that its pages have the form of usage_page.h.
/// Without seconds: but for those, which depend on what was carried.
std::string part_of(const ClosedPart& part, bool with_seconds = true);

/// A row of a usage page.
struct PageRow {
  std::array<int64_t, 6> amounts{};
  /// All columns and their text.
  std::string columns;
  std::string project;
  uint32_t kind = 0;
};

/// The rows of usage pages, in their order; checks that the pages have the form of usage_page.h.
std::vector<PageRow> rows_of(const PageList& pages);

/// Repeats itself exactly: splitmix64.
class Dice {
 public:
  explicit Dice(uint64_t seed) : state_(seed) {}
  uint64_t next();
  /// 0 to `end` - 1.
  size_t below(size_t end) { return static_cast<size_t>(next() % end); }

 private:
  uint64_t state_;
};

/// Everything that an engine hands over, in a form in which equal means equal: a page's rows are
/// sorted, because their order is not part of the contract.
struct Output {
  std::vector<std::string> parts;
  Bytes quarantine;
  OutcomeCounts counts{};

  bool operator==(const Output&) const = default;
};

class Rig {
 public:
  explicit Rig(const EngineOptions& options);

  Engine& engine() { return *engine_; }
  /// Closed parts since the last call; they are part of the output too.
  std::vector<ClosedPart> take();
  /// Takes what waits, makes a snapshot and goes on with a new engine that is restored from it.
  void restart();
  /// Goes on with a new engine that is restored from these.
  void restore(std::string_view head, const std::vector<std::string_view>& pages);
  /// Ends the stream and gives all that it made.
  Output finish();

  /// The newest page of each name, and the head that belongs to them.
  void store_snapshot();
  [[nodiscard]] const std::map<std::string, Bytes>& pages() const { return pages_; }
  [[nodiscard]] const Bytes& head() const { return head_; }

 private:
  const EngineOptions options_;
  std::unique_ptr<Engine> engine_;
  std::map<std::string, Bytes> pages_;
  Bytes head_;
  Output output_;
};

}  // namespace mf::test
