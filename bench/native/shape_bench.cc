// How long the core takes to parse and sum a log that lies in memory, by kernel: the fast path
// against the reference parser, in one process, in turns. Arguments: repetitions, format (datum or
// envoy-gateway), log, and the kernels to be measured; all when none is named.
//
// `on-demand` is a peer (on_demand_peer.h); it is measured on logs without an envelope.
//
// All kernels must give the same answer first, and the peer must add nearly all lines. Time is that
// of the thread; of each kernel the median counts, in ns per line.

#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "bench/native/on_demand_peer.h"
#include "native/engine/line_folder.h"
#include "test/native/check.h"
#include "test/native/rig.h"

namespace mf::test {
namespace {

struct Contender {
  Kernel kernel;
  bool is_peer = false;
  std::unique_ptr<LineFolder> folder;
  std::vector<double> ns;
  size_t folds = 0;
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

std::unique_ptr<LineFolder> folder_of(const Format& format, Kernel kernel) {
  MeterOptions meter;
  meter.format = format;
  auto folder = std::make_unique<LineFolder>(FolderOptions{}, meter);
  CHECK(folder->init(kernel) == Error::kNone);
  return folder;
}

std::string answer_of(const Format& format, Kernel kernel, std::string_view log) {
  const auto folder = folder_of(format, kernel);
  fold(*folder, log);
  folder->end_generation({}, log.size());
  folder->end_stream(log.size());
  std::string answer;
  for (const ClosedPart& part : folder->meter().take()) {
    answer += part_of(part);
  }
  return answer;
}

/// The first time is not counted: it meets each key for the first time. Later ones add to the
/// window that was open at its end.
void measure(Contender& contender, std::string_view log, bool counts) {
  StreamMeter& meter = contender.folder->meter();
  const int64_t before = meter.counts()[static_cast<size_t>(Outcome::kMetered)];
  const double started = thread_ns();
  if (contender.is_peer && counts) {
    const bool has_project = meter.format().project_source == ProjectSource::kKey;
    const size_t added = fold_on_demand(log, has_project, meter);
    CHECK(added * 50 > static_cast<size_t>(before) * 49 / contender.folds);
  } else {
    fold(*contender.folder, log);
  }
  ++contender.folds;
  if (counts) {
    contender.ns.push_back(thread_ns() - started);
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
    std::printf("%-10s %7.1f ns/line %6.2f GB/s %6.2fx ",
                contender.is_peer ? "on-demand" : kernel_name(contender.kernel).data(),
                ns / static_cast<double>(lines), static_cast<double>(bytes) / ns, reference / ns);
    for (const int64_t count : contender.folder->paths()) {
      std::printf(" %lld", static_cast<long long>(count));
    }
    std::printf("\n");
  }
}

std::vector<Contender> contenders_of(const Format& format, const std::vector<std::string>& names) {
  std::vector<Contender> contenders;
  const Kernels kernels = supported_kernels();
  for (uint32_t i = 0; i < kernels.count; ++i) {
    const bool is_named = std::ranges::find(names, kernel_name(kernels.of[i])) != names.end();
    if (names.empty() || is_named) {
      contenders.push_back({kernels.of[i], false, folder_of(format, kernels.of[i]), {}, 0});
    }
  }
  if (names.empty() || std::ranges::find(names, "on-demand") != names.end()) {
    // The reference parser shows the keys to it.
    contenders.push_back({Kernel::kReference, true, folder_of(format, Kernel::kReference), {}, 0});
  }
  CHECK(!contenders.empty());
  return contenders;
}

int main_of(const std::vector<std::string>& arguments) {
  CHECK(arguments.size() >= 3);
  const int repetitions = std::stoi(arguments[0]);
  Format format = arguments[1] == "datum" ? datum_format() : envoy_gateway_format();
  format.dimensions.clear();
  std::string log(kPaddingBytes, ' ');
  log += read_file(arguments[2].c_str());
  const size_t bytes = log.size() - kPaddingBytes;
  log.append(kPaddingBytes, ' ');
  const std::string_view text(log.data() + kPaddingBytes, bytes);
  std::vector<Contender> contenders =
      contenders_of(format, {arguments.begin() + 3, arguments.end()});
  if (text.front() != '{') {
    std::erase_if(contenders, [](const Contender& contender) { return contender.is_peer; });
  }
  const std::string expected = answer_of(format, Kernel::kReference, text);
  for (const Contender& contender : contenders) {
    CHECK(answer_of(format, contender.kernel, text) == expected);
  }
  for (int i = 0; i <= repetitions; ++i) {
    for (Contender& contender : contenders) {
      measure(contender, text, i > 0);
    }
  }
  report(contenders, text.size(), std::ranges::count(text, '\n'));
  return 0;
}

}  // namespace
}  // namespace mf::test

int main(int count, char** arguments) {
  return mf::test::main_of({arguments + 1, arguments + count});
}
