// Fast path = reference parser: seeded logs (line_mutator.h) go through a folder of lines with each
// kernel that this CPU has, and through one without a fast path. Closed pieces, outcomes and
// quarantine must be equal to the byte, whatever pieces the bytes come in.
//
// The bytes lie between pages that may not be touched, in turns right before the upper and right
// behind the lower one, with no more than the padding that kernels may read in between; what the
// padding holds is chosen to mislead.
//
// Arguments: seconds, rounds, first round, logs. It ends after so many rounds, or when the time is
// up; a round is repeated by its number. Prints for each kernel how many lines it was given.

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <memory>

#include "native/engine/line_folder.h"
#include "test/native/check.h"
#include "test/native/line_mutator.h"
#include "test/native/rig.h"

namespace mf::test {
namespace {

/// Memory between two pages that may not be touched.
class Enclosed {
 public:
  explicit Enclosed(size_t bytes_max) {
    const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    room_ = (bytes_max / page + 1) * page;
    void* memory = mmap(nullptr, room_ + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(memory != MAP_FAILED);
    mapped_ = {static_cast<char*>(memory), room_ + 2 * page};
    begin_ = static_cast<char*>(memory) + page;
    CHECK(mprotect(begin_, room_, PROT_READ | PROT_WRITE) == 0);
  }
  ~Enclosed() { munmap(const_cast<char*>(mapped_.data()), mapped_.size()); }
  Enclosed(const Enclosed&) = delete;
  Enclosed& operator=(const Enclosed&) = delete;

  /// `bytes` with padding around, at one end of the memory.
  std::string_view put(std::string_view bytes, bool at_end, char padding) {
    const size_t size = bytes.size() + 2 * size_t{kPaddingBytes};
    CHECK(size <= room_);
    char* begin = at_end ? begin_ + room_ - size : begin_;
    std::memset(begin, padding, size);
    char* text = begin + kPaddingBytes;
    if (!bytes.empty()) {
      std::memcpy(text, bytes.data(), bytes.size());
    }
    return {text, bytes.size()};
  }

 private:
  size_t room_ = 0;
  std::string_view mapped_;
  char* begin_ = nullptr;
};

struct Setting {
  FolderOptions folder;
  MeterOptions meter;
};

/// Formats, limits and rules that lines run into.
Setting draw_setting(Dice& dice) {
  Setting setting;
  setting.folder.keep_quarantine = true;
  setting.folder.envelope = dice.below(4) == 0 ? Envelope::kRaw : Envelope::kAuto;
  setting.folder.line_bytes_max = dice.below(4) == 0 ? 300 + dice.below(900) : 1 << 20;
  MeterOptions& meter = setting.meter;
  meter.format = dice.below(3) == 0 ? envoy_gateway_format() : datum_format();
  if (dice.below(8) == 0) {
    meter.format.project_source = ProjectSource::kConstant;
    meter.format.project_text = "p-all";
  }
  if (dice.below(8) == 0) {
    meter.format.dimensions.clear();
  }
  meter.window_ms = dice.below(2) == 0 ? 1000 : 60'000;
  meter.totals_only = dice.below(8) == 0;
  meter.keys_max = dice.below(4) == 0 ? 2 : 1000;
  meter.stream_states_max = dice.below(4) == 0 ? 2 : 1000;
  if (dice.below(8) == 0) {
    meter.exclude = {{"404"}, {"NR"}};
  }
  return setting;
}

struct Result {
  Output output;
  PathCounts paths{};
};

class Fold {
 public:
  Fold(const Setting& setting, Kernel kernel) : folder_(setting.folder, setting.meter) {
    CHECK(folder_.init(kernel) == Error::kNone);
  }

  /// One generation, in pieces as `dice` has them.
  void generation(std::string_view log, Enclosed& memory, Dice& dice) {
    size_t used = 0;
    const size_t piece_max = size_t{1} << (4 + dice.below(15));
    for (size_t end = 0; end < log.size();) {
      end = std::min(end + 1 + dice.below(piece_max), log.size());
      constexpr std::string_view kPaddings = "\"\\\n {5\xC3";
      const char padding = kPaddings[dice.below(kPaddings.size())];
      const bool at_end = dice.below(2) == 0;
      used += folder_.fold(memory.put(log.substr(used, end - used), at_end, padding), used);
      if (dice.below(64) == 0) {
        folder_.meter().close_by_time(used);
        take();
      }
    }
    folder_.end_generation(log.substr(used), used);
    take();
  }

  Result finish() {
    folder_.end_stream(0);
    take();
    result_.output.counts = folder_.meter().counts();
    result_.paths = folder_.paths();
    return std::move(result_);
  }

 private:
  void take() {
    for (const ClosedPart& part : folder_.meter().take()) {
      result_.output.parts.push_back(part_of(part));
    }
    result_.output.quarantine += folder_.take_quarantine();
  }

  LineFolder folder_;
  Result result_;
};

Result fold(const Setting& setting, Kernel kernel, const std::vector<std::string>& logs,
            uint64_t seed, Enclosed& memory) {
  // The same pieces for all: a close by time is part of the answer.
  Dice dice(seed);
  Fold fold(setting, kernel);
  for (const std::string& log : logs) {
    fold.generation(log, memory, dice);
  }
  return fold.finish();
}

struct Tally {
  Kernel kernel;
  int64_t lines = 0;
  PathCounts paths{};
};

void play_round(uint64_t round, const LineMutator& mutator, Enclosed& memory,
                std::vector<Tally>& tallies) {
  Dice dice(round);
  const Setting setting = draw_setting(dice);
  std::vector<std::string> logs;
  for (size_t i = 1 + dice.below(2); i > 0; --i) {
    logs.push_back(mutator.log(dice));
  }
  const uint64_t seed = dice.next();
  const Result expected = fold(setting, Kernel::kReference, logs, seed, memory);
  for (Tally& tally : tallies) {
    const Result result = fold(setting, tally.kernel, logs, seed, memory);
    CHECK(result.output.counts == expected.output.counts);
    CHECK(result.output.quarantine == expected.output.quarantine);
    CHECK(result.output.parts == expected.output.parts);
    for (size_t path = 0; path < kLinePaths; ++path) {
      tally.lines += result.paths[path];
      tally.paths[path] += result.paths[path];
    }
  }
}

void report(const std::vector<Tally>& tallies) {
  for (const Tally& tally : tallies) {
    const auto of = [&](LinePath path) { return tally.paths[static_cast<size_t>(path)]; };
    std::printf("shape-%s %lld executions, paths", kernel_name(tally.kernel).data(),
                static_cast<long long>(tally.lines));
    for (const int64_t count : tally.paths) {
      std::printf(" %lld", static_cast<long long>(count));
    }
    std::printf("\n");
    // A test that nearly always declines shows nothing.
    CHECK(tally.lines < 100'000 ||
          (of(LinePath::kBatch) + of(LinePath::kRecord)) * 4 > tally.lines);
  }
}

int main_shape(const std::vector<std::string>& arguments) {
  CHECK(arguments.size() > 3);
  const int seconds = std::stoi(arguments[0]);
  const uint64_t rounds = std::stoull(arguments[1]);
  const uint64_t first = std::stoull(arguments[2]);
  std::vector<std::string> logs;
  for (size_t i = 3; i < arguments.size(); ++i) {
    logs.push_back(read_file(arguments[i].c_str()));
  }
  const LineMutator mutator(logs);
  Enclosed memory(64 << 20);
  std::vector<Tally> tallies;
  const Kernels kernels = supported_kernels();
  for (uint32_t i = 1; i < kernels.count; ++i) {
    tallies.push_back({kernels.of[i], 0, {}});
  }
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  for (uint64_t round = first; round < first + rounds; ++round) {
    const std::string name = "round " + std::to_string(round);
    busy_with = name.c_str();
    play_round(round, mutator, memory, tallies);
    if (std::chrono::steady_clock::now() >= end) {
      break;
    }
  }
  report(tallies);
  return 0;
}

}  // namespace
}  // namespace mf::test

int main(int count, char** arguments) {
  return mf::test::main_shape({arguments + 1, arguments + count});
}
