// What a snapshot means when the configuration changed before it is taken up, and at the limits of
// what it holds; with literal expectations.

#include <string>

#include "test/native/check.h"
#include "test/native/rig.h"

namespace mf::test {
namespace {

EngineOptions datum_options() {
  EngineOptions options;
  options.keep_quarantine = true;
  options.meter.format = datum_format();
  return options;
}

std::string record(const std::string& more) {
  return R"({"project_name":"p-a","route_name":"httproute/ns/web","bytes_sent":1,)" + more +
         R"("start_time":"2026-11-22T12:00:00.000Z"})";
}

/// A new engine from the rig's last snapshot.
std::unique_ptr<Engine> taken_up(const Rig& rig, const EngineOptions& options) {
  std::vector<std::string_view> pages;
  for (const auto& [name, bytes] : rig.pages()) {
    pages.emplace_back(bytes);
  }
  auto engine = std::make_unique<Engine>(options);
  CHECK(engine->init() == Error::kNone);
  CHECK(engine->restore(rig.head(), pages) == Error::kNone);
  return engine;
}

int64_t count_of(const Engine& engine, Outcome outcome) {
  return engine.meter().counts()[static_cast<size_t>(outcome)];
}

/// A wrong envelope that was put right must not stay wrong for the rest of the stream; what `auto`
/// decided stays.
void test_envelope() {
  busy_with = "a configured envelope wins over the stored one";
  EngineOptions options = datum_options();
  options.envelope = Envelope::kRaw;
  Rig rig(options);
  const std::string line = "2026-11-22T12:00:00Z stdout F " + record("") + "\n";
  rig.engine().feed(line);
  rig.store_snapshot();
  options.envelope = Envelope::kCri;
  const auto engine = taken_up(rig, options);
  engine->feed(line);
  CHECK(engine->envelope() == Envelope::kCri && count_of(*engine, Outcome::kMetered) == 1);

  busy_with = "what auto decided is kept";
  Rig automatic(datum_options());
  automatic.engine().feed(record("") + "\n");
  automatic.store_snapshot();
  CHECK(taken_up(automatic, datum_options())->envelope() == Envelope::kRaw);
}

/// Feeds the first parts of a line, takes the snapshot up with another limit, and ends the line.
std::unique_ptr<Engine> with_new_limit(size_t bytes_before, size_t before, size_t after) {
  EngineOptions options = datum_options();
  options.line_bytes_max = before;
  Rig rig(options);
  // Were the middle left out, what remains would be a valid record.
  const std::string filler = R"("user_agent":")" + std::string(bytes_before, 'u');
  rig.engine().feed("2026-11-22T12:00:00Z stdout P {" + filler + "\n");
  rig.store_snapshot();
  options.line_bytes_max = after;
  auto engine = taken_up(rig, options);
  const std::string end = std::string(500, 'v') + "\"," + record("").substr(1);
  engine->feed("2026-11-22T12:00:00Z stdout F " + end + "\n");
  return engine;
}

void test_line_limit() {
  busy_with = "a line with a hole in it is too long, also under a larger limit";
  CHECK(count_of(*with_new_limit(3000, 2000, 1 << 20), Outcome::kTooLong) == 1);
  busy_with = "a line above the new limit is too long";
  CHECK(count_of(*with_new_limit(3000, 1 << 20, 2000), Outcome::kTooLong) == 1);
  busy_with = "a line within both limits is whole";
  CHECK(count_of(*with_new_limit(3000, 1 << 20, 8000), Outcome::kMetered) == 1);
  CHECK(count_of(*with_new_limit(3000, 8000, 1 << 20), Outcome::kMetered) == 1);
}

std::string typed(const std::string& type, size_t stream) {
  return record("\"access_log_type\":\"" + type + "\",\"stream_id\":\"s" + std::to_string(stream) +
                "\",") +
         "\n";
}

/// Long-lived requests in pages full, thinned out and empty: each is found again, and no page
/// grows.
void test_long_streams() {
  busy_with = "long-lived requests after a restart";
  constexpr size_t kStreams = 20'000;
  const auto is_over = [](size_t stream) { return stream % 2 == 0 || stream < 5000; };
  Rig rig(datum_options());
  for (size_t stream = 0; stream < kStreams; ++stream) {
    rig.engine().feed(typed("DownstreamStart", stream));
  }
  rig.restart();
  for (size_t stream = 0; stream < kStreams; ++stream) {
    if (is_over(stream)) {
      rig.engine().feed(typed("DownstreamEnd", stream));
    }
  }
  rig.restart();
  CHECK(count_of(rig.engine(), Outcome::kMetered) == 20'000 + 12'500);
  // Each record says 1 byte in all: what is known adds none, what is new adds 1.
  for (size_t stream = 0; stream < 2 * kStreams; ++stream) {
    rig.engine().feed(typed("DownstreamPeriodic", stream));
  }
  rig.restart();
  rig.engine().end_stream();
  const std::vector<ClosedPart> parts = rig.engine().take_closed();
  CHECK(parts.size() == 1 && parts[0].pages.size() == 1);
  ByteReader page(parts[0].pages[0]);
  for (int i = 0; i < 4; ++i) {
    (void)page.get<uint32_t>();
  }
  CHECK(page.get<int64_t>() == 12'500);                    // requests
  CHECK(page.get<int64_t>() == 20'000 + 12'500 + 20'000);  // bytes: all, then those over, then new
}

/// Of one long-lived request that starts at 12:00:00.
std::string sent(const std::string& type, uint64_t bytes, int seconds) {
  return typed(type, 1).insert(1, "\"bytes_received\":" + std::to_string(bytes) +
                                      ",\"duration\":" + std::to_string(seconds * 1000) + ",");
}

/// Which of the lines that are left in the open window overflow it decides what is known of a
/// long-lived request later, so a checkpoint holds the window's sums although it has no totals.
void test_checkpoint_in_a_full_window() {
  busy_with = "a checkpoint in a window that is nearly full";
  constexpr uint64_t kLargest = 1ULL << 53;
  EngineOptions options = datum_options();
  Engine first(options);
  CHECK(first.init() == Error::kNone);
  for (int i = 0; i < 1023; ++i) {
    first.feed(sent("DownstreamEnd", kLargest, 0));
  }
  first.feed(sent("DownstreamPeriodic", 10, 0));
  EngineSnapshot checkpoint = first.checkpoint();
  std::vector<std::string_view> pages;
  for (size_t i = 0; i < checkpoint.pages.size(); ++i) {
    pages.push_back(checkpoint.pages.bytes(i));
  }
  Engine engine(options);
  CHECK(engine.init() == Error::kNone && engine.restore(checkpoint.head, pages) == Error::kNone);
  engine.feed(sent("DownstreamPeriodic", kLargest, 0));
  CHECK(count_of(engine, Outcome::kOverflow) == 1);
  engine.feed(sent("DownstreamEnd", kLargest, 60));
  engine.end_stream();
  const std::vector<ClosedPart> parts = engine.take_closed();
  CHECK(parts.size() == 2 && parts[0].pages.empty());
  CHECK(rows_of(parts[1].pages).at(0).amounts[2] == kLargest - 10);
}

}  // namespace
}  // namespace mf::test

int main() {
  mf::test::test_envelope();
  mf::test::test_line_limit();
  mf::test::test_long_streams();
  mf::test::test_checkpoint_in_a_full_window();
  return 0;
}
