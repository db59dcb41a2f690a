// A stream can be computed again from its logs, exactly: from its beginning by closing by time
// where the ledger says that it was closed, and from a checkpoint for every segment that begins
// later. Arguments: log files, which are cut into generations anywhere, in the middle of lines too.
//
// What each closed piece says about itself is checked on the way: where it ends, and its sums by
// project and by reason. And that looking at open totals and taking checkpoints changes nothing.

#include <algorithm>
#include <array>
#include <deque>
#include <functional>
#include <map>

#include "test/native/check.h"
#include "test/native/rig.h"

namespace mf::test {
namespace {

/// A close by time: after `offset` bytes of a generation.
struct Close {
  size_t generation = 0;
  uint64_t offset = 0;
};

struct Piece {
  size_t generation = 0;
  ClosedPart part;
};

struct Checkpoint {
  Close at;
  Bytes head;
  std::map<std::string, Bytes> pages;
  /// Of the segment that is open, or was last.
  WindowClock window{60'000};
  size_t pieces_before = 0;
};

struct Run {
  std::vector<Piece> pieces;
  std::vector<Checkpoint> checkpoints;
  Output output;
};

using Generations = std::vector<std::string_view>;
__extension__ using Wide = __int128;
using Sums = std::map<std::string, std::array<Wide, 6>>;

/// Sums by `key`; of rows that are sums already, by the key that they have.
Sums sums_of(const PageList& pages, const std::function<std::string(const PageRow&)>& key) {
  Sums sums;
  for (const PageRow& row : rows_of(pages)) {
    for (size_t i = 0; i < row.amounts.size(); ++i) {
      sums[key(row)][i] += row.amounts[i];
    }
  }
  return sums;
}

void check_sums(const ClosedPart& part) {
  const auto by_project = [](const PageRow& row) { return row.project; };
  const auto by_kind = [](const PageRow& row) { return std::to_string(row.kind); };
  CHECK(sums_of(part.pages, by_project) == sums_of(part.projects, by_project));
  CHECK(sums_of(part.unattributed, by_kind) == sums_of(part.reasons, by_kind));
  const std::vector<PageRow> projects = rows_of(part.projects);
  CHECK(std::ranges::is_sorted(projects, {}, &PageRow::project));
  for (const PageRow& row : projects) {
    // The project, and nothing else.
    CHECK(row.kind == 0 && row.columns.size() == 16 + row.project.size());
  }
  const std::vector<PageRow> reasons = rows_of(part.reasons);
  CHECK(std::ranges::is_sorted(reasons, {}, &PageRow::kind) && part.reasons.size() <= 1);
  for (const PageRow& row : reasons) {
    CHECK(row.kind >= 16 && row.kind <= 18 && row.columns.size() == 16);
  }
}

Checkpoint checkpoint_of(const Engine& engine, const Close& at, size_t pieces_before) {
  EngineSnapshot made = engine.checkpoint();
  Checkpoint checkpoint{at, std::move(made.head), {}, engine.meter().window(), pieces_before};
  for (size_t i = 0; i < made.pages.size(); ++i) {
    CHECK(made.pages.name(i).starts_with("ss") && !made.pages.bytes(i).empty());
    checkpoint.pages[made.pages.name(i)] = made.pages.bytes(i);
  }
  return checkpoint;
}

/// Reads as an agent does: in chunks, with restarts, closes by time and looks at what is open.
class Live {
 public:
  Live(const EngineOptions& options, uint64_t seed) : rig_(options), dice_(seed) {}

  Run run(const Generations& generations) {
    for (const std::string_view bytes : generations) {
      if (dice_.below(2) == 0) {
        checkpoint();
      }
      while (rig_.engine().read_offset() < bytes.size()) {
        const size_t size = 1 + dice_.below(dice_.below(4) == 0 ? 64 << 10 : 1500);
        rig_.engine().feed(bytes.substr(rig_.engine().read_offset(), size));
        step();
      }
      rig_.engine().end_generation();
      take();
      ++generation_;
      step();
    }
    rig_.engine().end_stream();
    take();
    run_.output = rig_.finish();
    return std::move(run_);
  }

 private:
  void step() {
    take();
    switch (dice_.below(12)) {
      case 0:
        return rig_.restart();
      case 1:
        return close();
      case 2:
        return checkpoint();
      default:
        return;
    }
  }

  void close() {
    const Bytes open = part_of(rig_.engine().open_totals());
    check_sums(rig_.engine().open_totals());
    const bool was_open = rig_.engine().meter().has_open_segment();
    rig_.engine().close_by_time();
    const size_t before = run_.pieces.size();
    take();
    CHECK(run_.pieces.size() == before + (was_open ? 1 : 0));
    CHECK(!was_open || part_of(run_.pieces.back().part) == open);
  }

  void checkpoint() {
    const Close at{generation_, rig_.engine().offset()};
    run_.checkpoints.push_back(checkpoint_of(rig_.engine(), at, run_.pieces.size()));
  }

  void take() {
    for (ClosedPart& part : rig_.take()) {
      check_sums(part);
      run_.pieces.push_back({generation_, std::move(part)});
    }
  }

  Rig rig_;
  Dice dice_;
  Run run_;
  size_t generation_ = 0;
};

/// The closes by time that a ledger holds of a run.
std::deque<Close> closes_of(const Run& run, size_t from_piece) {
  std::deque<Close> closes;
  for (size_t i = from_piece; i < run.pieces.size(); ++i) {
    if (run.pieces[i].part.by_time) {
      closes.push_back({run.pieces[i].generation, run.pieces[i].part.end_offset});
    }
  }
  return closes;
}

/// Feeds from `from` to the end, and closes by time where `closes` says.
void replay(Engine& engine, const Generations& generations, const Close& from,
            std::deque<Close> closes) {
  uint64_t at = from.offset;
  const auto close_here = [&](size_t generation) {
    for (; !closes.empty() && closes.front().generation == generation; closes.pop_front()) {
      const uint64_t end = closes.front().offset;
      if (generation < generations.size()) {
        engine.feed(generations[generation].substr(at, end - at));
      }
      CHECK(engine.offset() == end);
      at = end;
      engine.close_by_time();
    }
  };
  for (size_t generation = from.generation; generation < generations.size(); ++generation) {
    close_here(generation);
    engine.feed(generations[generation].substr(at));
    engine.end_generation();
    at = 0;
  }
  close_here(generations.size());
  engine.end_stream();
}

void check_from_beginning(const EngineOptions& options, const Generations& generations,
                          const Run& run) {
  Rig rig(options);
  replay(rig.engine(), generations, {}, closes_of(run, 0));
  (void)rig.take();
  Output again = rig.finish();
  CHECK(again == run.output);
}

/// A piece that a line closed is what a close by time gives where that line begins.
void check_ends(const EngineOptions& options, const Generations& generations, const Run& run,
                Dice& dice) {
  const size_t picked = dice.below(run.pieces.size());
  Piece piece = run.pieces[picked];
  if (piece.generation == generations.size()) {
    return;
  }
  std::deque<Close> closes = closes_of(run, 0);
  const auto later = [&](const Close& close) {
    return close.generation > piece.generation ||
           (close.generation == piece.generation && close.offset >= piece.part.end_offset);
  };
  std::erase_if(closes, later);
  closes.push_back({piece.generation, piece.part.end_offset});
  Rig rig(options);
  Generations begun(generations.begin(),
                    generations.begin() + static_cast<std::ptrdiff_t>(piece.generation) + 1);
  begun.back() = begun.back().substr(0, piece.part.end_offset);
  replay(rig.engine(), begun, {}, closes);
  const std::vector<ClosedPart> parts = rig.take();
  piece.part.by_time = true;
  CHECK(parts.size() > picked && part_of(parts[picked]) == part_of(piece.part));
}

bool is_of(const ClosedPart& part, const WindowClock& window) {
  return window.has_begun() && part.epoch == window.epoch() &&
         part.window_start_ms == window.window_start_ms();
}

void check_from_checkpoint(const EngineOptions& options, const Generations& generations,
                           const Run& run, const Checkpoint& checkpoint) {
  Rig rig(options);
  std::vector<std::string_view> pages;
  for (const auto& [name, bytes] : checkpoint.pages) {
    pages.emplace_back(bytes);
  }
  rig.restore(checkpoint.head, pages);
  CHECK(rig.engine().offset() == checkpoint.at.offset);
  replay(rig.engine(), generations, checkpoint.at, closes_of(run, checkpoint.pieces_before));
  std::vector<std::string> again;
  for (const ClosedPart& part : rig.take()) {
    if (!is_of(part, checkpoint.window)) {
      again.push_back(part_of(part, false));
    }
  }
  std::vector<std::string> wanted;
  for (size_t i = checkpoint.pieces_before; i < run.pieces.size(); ++i) {
    if (!is_of(run.pieces[i].part, checkpoint.window)) {
      wanted.push_back(part_of(run.pieces[i].part, false));
    }
  }
  CHECK(again == wanted);
  const Output output = rig.finish();
  CHECK(output.counts == run.output.counts);
  CHECK(run.output.quarantine.ends_with(output.quarantine));
}

Generations cut(std::string_view log, Dice& dice) {
  Generations generations;
  for (size_t pieces = dice.below(4); pieces > 0 && !log.empty(); --pieces) {
    const size_t end = 1 + dice.below(log.size());
    generations.push_back(log.substr(0, end));
    log.remove_prefix(end);
  }
  generations.push_back(log);
  return generations;
}

std::vector<EngineOptions> variants() {
  EngineOptions plain;
  plain.keep_quarantine = true;
  plain.meter.format = datum_format();
  // Limits that every log reaches.
  EngineOptions tight = plain;
  tight.line_bytes_max = 1024;
  tight.meter.window_ms = 1000;
  tight.meter.keys_max = 2;
  tight.meter.stream_states_max = 2;
  EngineOptions hours = plain;
  hours.meter.window_ms = 3'600'000;
  return {plain, tight, hours};
}

int main_replay(int count, char** paths) {
  size_t pieces = 0;
  size_t by_time = 0;
  size_t checkpoints = 0;
  for (int i = 0; i < count; ++i) {
    const std::string log = read_file(paths[i]);
    busy_with = paths[i];
    uint64_t seed = 1;
    for (const EngineOptions& options : variants()) {
      for (int round = 0; round < 3; ++round, ++seed) {
        Dice dice(seed);
        const Generations generations = cut(log, dice);
        const Run run = Live(options, seed).run(generations);
        check_from_beginning(options, generations, run);
        if (!run.pieces.empty()) {
          check_ends(options, generations, run, dice);
        }
        for (const Checkpoint& checkpoint : run.checkpoints) {
          check_from_checkpoint(options, generations, run, checkpoint);
        }
        pieces += run.pieces.size();
        by_time += closes_of(run, 0).size();
        checkpoints += run.checkpoints.size();
      }
    }
  }
  std::printf("  %zu pieces, %zu closed by time, %zu checkpoints\n", pieces, by_time, checkpoints);
  CHECK(by_time > 0 && pieces > by_time && checkpoints > 0);
  return 0;
}

}  // namespace
}  // namespace mf::test

int main(int count, char** arguments) {
  return mf::test::main_replay(count - 1, arguments + 1);
}
