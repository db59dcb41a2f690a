// Damages snapshots at random and takes them up again: the engine says kSnapshotDamaged, or it goes
// on and stays sane. It never crashes, never takes unbounded memory and never reads past a page.
// Arguments: the number of tries, a seed, log files.
//
// Snapshots in the state carry checksums; this is the second line of defence.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <deque>

#include "test/native/check.h"
#include "test/native/guarded.h"
#include "test/native/rig.h"

namespace mf::test {
namespace {

struct Snapshot {
  EngineOptions options;
  Bytes head;
  std::vector<Bytes> pages;
  /// What the log goes on with.
  std::string rest;
};

EngineOptions options_with(Format format, size_t keys_max) {
  EngineOptions options;
  options.keep_quarantine = true;
  options.meter.format = std::move(format);
  options.meter.keys_max = keys_max;
  options.line_bytes_max = 4096;
  return options;
}

/// The snapshot in the middle of a log, after some earlier ones.
Snapshot snapshot_of(const EngineOptions& options, const std::string& log, size_t at) {
  Rig rig(options);
  for (size_t from = 0; from < at; from += at / 3 + 1) {
    rig.engine().feed(std::string_view(log).substr(from, std::min(at / 3 + 1, at - from)));
    rig.store_snapshot();
  }
  Snapshot snapshot{options, rig.head(), {}, {}};
  for (const auto& [name, bytes] : rig.pages()) {
    snapshot.pages.push_back(bytes);
  }
  snapshot.rest = log.substr(rig.engine().offset(), 20'000);
  return snapshot;
}

void damage(Bytes& bytes, Dice& dice) {
  if (bytes.empty()) {
    return;
  }
  const size_t at = dice.below(bytes.size());
  switch (dice.below(8)) {
    case 0:
      bytes.resize(at);
      return;
    case 1:
      bytes.append(bytes.substr(at, dice.below(64)));
      return;
    case 2:
      bytes.erase(at, 1 + dice.below(16));
      return;
    case 3:
      // A number at one of its ends: where arithmetic overflows.
      for (size_t i = at; i < std::min(bytes.size(), at + 8); ++i) {
        bytes[i] = static_cast<char>(i == at + 7 ? 0x7F : 0xFF);
      }
      return;
    default:
      bytes[at] = static_cast<char>(bytes[at] ^ 1 << dice.below(8));
  }
}

/// Damages one to three of the snapshot's values; sometimes a page is lost or there twice.
void damage_some(Snapshot& snapshot, Dice& dice) {
  for (size_t times = 1 + dice.below(3); times > 0; --times) {
    // The head is one value of many, and the one with the most to get wrong.
    const size_t which = dice.below(2 * snapshot.pages.size() + 2);
    if (which >= snapshot.pages.size()) {
      damage(snapshot.head, dice);
    } else if (dice.below(10) == 0) {
      snapshot.pages.push_back(snapshot.pages[which]);
    } else if (dice.below(10) == 0) {
      snapshot.pages.erase(snapshot.pages.begin() + static_cast<std::ptrdiff_t>(which));
    } else {
      damage(snapshot.pages[which], dice);
    }
  }
}

/// True when the engine took the snapshot; then it is driven through all that it can do.
bool take_up(const Snapshot& snapshot) {
  std::deque<Guarded> guards;
  std::vector<std::string_view> pages;
  for (const Bytes& page : snapshot.pages) {
    guards.emplace_back(page.size());
    pages.push_back(guards.back().copy(page));
  }
  Guarded head(snapshot.head.size());
  Engine engine(snapshot.options);
  CHECK(engine.init() == Error::kNone);
  const Error error = engine.restore(head.copy(snapshot.head), pages);
  if (error != Error::kNone) {
    CHECK(error == Error::kSnapshotDamaged);
    return false;
  }
  CHECK(engine.envelope() <= Envelope::kDocker);
  engine.feed(snapshot.rest);
  (void)engine.snapshot();
  engine.close_by_time();
  engine.end_generation();
  engine.feed(snapshot.rest);
  engine.end_stream();
  (void)engine.snapshot();
  for (const ClosedPart& part : engine.take_closed()) {
    CHECK(part.window_ms > 0 && part.part >= 0);
    (void)part_of(part);
  }
  (void)engine.take_quarantine();
  return true;
}

int main_damage(long tries, uint64_t seed, const std::vector<std::string>& logs) {
  CHECK(tries > 0 && !logs.empty());
  Dice dice(seed);
  std::vector<Snapshot> snapshots;
  for (const std::string& log : logs) {
    for (const size_t keys_max : {size_t{3}, size_t{1'000'000}}) {
      const Format format = dice.below(4) == 0 ? envoy_gateway_format() : datum_format();
      const size_t at = 1 + dice.below(log.size());
      snapshots.push_back(snapshot_of(options_with(format, keys_max), log, at));
      busy_with = "whole snapshot";
      CHECK(take_up(snapshots.back()));
    }
  }
  busy_with = "damaged snapshot";
  long taken = 0;
  for (long i = 0; i < tries; ++i) {
    Snapshot damaged = snapshots[dice.below(snapshots.size())];
    damage_some(damaged, dice);
    taken += take_up(damaged) ? 1 : 0;
  }
  std::printf("  %ld damaged snapshots: %ld refused, %ld taken up\n", tries, tries - taken, taken);
  // Were all refused, or none, the test would not test.
  CHECK(taken > 0 && taken < tries);
  return 0;
}

}  // namespace
}  // namespace mf::test

int main(int count, char** arguments) {
  CHECK(count > 3);
  std::vector<std::string> logs;
  for (int i = 3; i < count; ++i) {
    logs.push_back(mf::test::read_file(arguments[i]));
  }
  const long tries = std::strtol(arguments[1], nullptr, 10);
  const uint64_t seed = std::strtoull(arguments[2], nullptr, 10);
  return mf::test::main_damage(tries, seed, logs);
}
