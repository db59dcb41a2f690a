// How long the core takes to parse and sum a log that lies in memory, by kernel: the fast path
// against the reference parser, in one process, in turns. Arguments: repetitions, format (datum or
// envoy-gateway), log.
//
// All kernels must give the same answer first. Time is that of the thread; of each kernel the
// median counts, in ns per line.

#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "native/engine/line_folder.h"
#include "test/native/check.h"
#include "test/native/rig.h"

namespace mf::test {
namespace {

struct Contender {
  Kernel kernel;
  std::vector<double> ns;
  std::string answer;
  PathCounts paths{};
};

double thread_ns() {
  timespec now{};
  CHECK(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) == 0);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

/// As the engine's reads bring it: whole lines of about 256 KiB, the rest again with the next.
void fold(LineFolder& folder, std::string_view log) {
  constexpr size_t kReadBytes = 256 << 10;
  size_t used = 0;
  for (size_t end = 0; end < log.size();) {
    end = std::min(end + kReadBytes, log.size());
    used += folder.fold(log.substr(used, end - used), used);
  }
}

std::string answer_of(LineFolder& folder, size_t bytes) {
  folder.end_generation({}, bytes);
  folder.end_stream(bytes);
  std::string answer;
  for (const ClosedPart& part : folder.meter().take()) {
    answer += part_of(part);
  }
  return answer;
}

void measure(Contender& contender, const Format& format, std::string_view log) {
  MeterOptions meter;
  meter.format = format;
  LineFolder folder({}, meter);
  CHECK(folder.init(contender.kernel) == Error::kNone);
  const double started = thread_ns();
  fold(folder, log);
  contender.ns.push_back(thread_ns() - started);
  if (contender.answer.empty()) {
    contender.answer = answer_of(folder, log.size());
    contender.paths = folder.paths();
  }
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

void report(const std::vector<Contender>& contenders, size_t bytes, int64_t lines) {
  const double reference = median(contenders.front().ns);
  for (const Contender& contender : contenders) {
    const double ns = median(contender.ns);
    std::printf("%-10s %7.1f ns/line %6.2f GB/s %6.2fx ", kernel_name(contender.kernel).data(),
                ns / static_cast<double>(lines), static_cast<double>(bytes) / ns, reference / ns);
    for (const int64_t count : contender.paths) {
      std::printf(" %lld", static_cast<long long>(count));
    }
    std::printf("\n");
  }
}

int main_of(int count, char** arguments) {
  CHECK(count == 4);
  const int repetitions = std::atoi(arguments[1]);
  const bool is_datum = std::string_view(arguments[2]) == "datum";
  const Format format = is_datum ? datum_format() : envoy_gateway_format();
  std::string log(kPaddingBytes, ' ');
  log += read_file(arguments[3]);
  const std::string_view lines(log.data() + kPaddingBytes, log.size() - kPaddingBytes);
  log.append(kPaddingBytes, ' ');
  const std::string_view text(log.data() + kPaddingBytes, lines.size());
  std::vector<Contender> contenders;
  const Kernels kernels = supported_kernels();
  for (uint32_t i = 0; i < kernels.count; ++i) {
    contenders.push_back({kernels.of[i], {}, {}, {}});
  }
  for (int i = 0; i < repetitions; ++i) {
    for (Contender& contender : contenders) {
      measure(contender, format, text);
      CHECK(contender.answer == contenders.front().answer);
    }
  }
  report(contenders, text.size(), std::ranges::count(text, '\n'));
  return 0;
}

}  // namespace
}  // namespace mf::test

int main(int count, char** arguments) {
  return mf::test::main_of(count, arguments);
}
