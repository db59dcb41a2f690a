// Reads the files named on the command line through the engine and checks that what comes out is a
// function of their bytes alone: cut into chunks of any size, restarted from snapshots in between,
// the closed pages, the outcomes and the quarantine are equal to the byte. And that nothing reads
// past the end of what it is given. Run under sanitizers, whose reports fail it too.

#include <algorithm>

#include "native/parse/line_reader.h"
#include "native/parse/record_parser.h"
#include "test/native/check.h"
#include "test/native/guarded.h"
#include "test/native/rig.h"

namespace mf::test {
namespace {

struct Variant {
  const char* name;
  EngineOptions options;
};

std::vector<Variant> variants() {
  EngineOptions plain;
  plain.keep_quarantine = true;
  plain.meter.format = datum_format();
  // Limits that every log reaches.
  EngineOptions tight = plain;
  tight.line_bytes_max = 700;
  tight.meter.window_ms = 1000;
  tight.meter.keys_max = 2;
  tight.meter.stream_states_max = 2;
  tight.meter.exclude = {{"404"}, {"NR"}};
  EngineOptions by_namespace = plain;
  by_namespace.meter.format = envoy_gateway_format();
  EngineOptions one_line = plain;
  one_line.envelope = Envelope::kRaw;
  one_line.line_bytes_max = 1 << 20;
  return {{"datum", plain},
          {"tight limits", tight},
          {"envoy-gateway", by_namespace},
          {"raw", one_line}};
}

Output fold_in_chunks(const EngineOptions& options, std::string_view bytes, size_t chunk_bytes) {
  Rig rig(options);
  for (size_t at = 0; at < bytes.size(); at += chunk_bytes) {
    rig.engine().feed(bytes.substr(at, chunk_bytes));
  }
  rig.engine().end_generation();
  return rig.finish();
}

Output fold_with_restarts(const EngineOptions& options, std::string_view bytes, uint64_t seed) {
  Dice dice(seed);
  Rig rig(options);
  while (rig.engine().read_offset() < bytes.size()) {
    const size_t size = 1 + dice.below(dice.below(8) == 0 ? 64 << 10 : 700);
    rig.engine().feed(bytes.substr(rig.engine().read_offset(), size));
    if (dice.below(6) == 0) {
      rig.restart();
    }
  }
  rig.engine().end_generation();
  if (dice.below(2) == 0) {
    rig.restart();
  }
  return rig.finish();
}

void fold_in_all_ways(const Variant& variant, std::string_view bytes) {
  const Output whole = fold_in_chunks(variant.options, bytes, std::max<size_t>(bytes.size(), 1));
  for (const size_t chunk_bytes : {size_t{1}, size_t{61}, size_t{4096}, size_t{65'536}}) {
    const Output pieces = fold_in_chunks(variant.options, bytes, chunk_bytes);
    CHECK(pieces.parts == whole.parts);
    CHECK(pieces.quarantine == whole.quarantine);
    CHECK(pieces.counts == whole.counts);
  }
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    const Output restarted = fold_with_restarts(variant.options, bytes, seed);
    CHECK(restarted.parts == whole.parts);
    CHECK(restarted.quarantine == whole.quarantine);
    CHECK(restarted.counts == whole.counts);
  }
}

/// Parses each line twice: where it lies in the log, and alone at the end of memory.
class GuardedParse final : private LineSink {
 public:
  explicit GuardedParse(std::string_view bytes)
      : log_(bytes.size()),
        line_(bytes.size()),
        reader_(Envelope::kAuto, kLineBytesMax),
        parser_(datum_format()) {
    CHECK(parser_.init(kLineBytesMax) == Error::kNone);
    const std::string_view log = log_.copy(bytes);
    const size_t used = reader_.consume(log, 0, *this);
    reader_.end_generation(log.substr(used), used, *this);
    reader_.end_stream(*this);
  }

 private:
  static constexpr size_t kLineBytesMax = 1 << 20;

  void line(const Line& line) override {
    if (line.fault != LineFault::kNone || line.content.empty()) {
      return;
    }
    const LineVerdict verdict = parser_.parse(line.content, record_);
    CHECK(parser_.parse(line_.copy(line.content), alone_) == verdict);
    for (size_t i = 0; verdict == LineVerdict::kAccepted && i < record_.values.size(); ++i) {
      CHECK(alone_.values[i].raw == record_.values[i].raw);
      CHECK(alone_.values[i].kind == record_.values[i].kind);
    }
  }

  Guarded log_;
  Guarded line_;
  LineReader reader_;
  RecordParser parser_;
  Record record_;
  Record alone_;
};

int main_fold(int count, char** paths) {
  size_t total_bytes = 0;
  for (int i = 0; i < count; ++i) {
    const std::string bytes = read_file(paths[i]);
    total_bytes += bytes.size();
    busy_with = paths[i];
    const GuardedParse guarded(bytes);
    for (const Variant& variant : variants()) {
      const std::string work = std::string(paths[i]) + ", " + variant.name;
      busy_with = work.c_str();
      fold_in_all_ways(variant, bytes);
    }
  }
  CHECK(count > 0 && total_bytes > 0);
  return 0;
}

}  // namespace
}  // namespace mf::test

int main(int count, char** arguments) {
  return mf::test::main_fold(count - 1, arguments + 1);
}
