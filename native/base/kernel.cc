#include "native/base/kernel.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>

namespace mf {
namespace {

struct Choice {
  bool known = false;
  Kernel kernel = Kernel::kReference;
};

Choice read_environment() {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): read once, and nobody here writes the environment.
  const char* name = std::getenv("METER_FAST_KERNEL");
  Choice choice;
  choice.known = choose_kernel(name == nullptr ? "" : name, choice.kernel);
  return choice;
}

}  // namespace

std::string_view kernel_name(Kernel kernel) {
  constexpr std::array<std::string_view, 5> kNames = {"reference", "sse2", "avx2", "avx512",
                                                      "neon"};
  return kNames[static_cast<size_t>(kernel)];
}

Kernels supported_kernels() {
  Kernels kernels{{Kernel::kReference}, 1};
  const auto add = [&kernels](Kernel kernel) { kernels.of[kernels.count++] = kernel; };
#if defined(__x86_64__)
  // The system must save the wide registers too: __builtin_cpu_supports asks for both.
  __builtin_cpu_init();
  add(Kernel::kSse2);
  const bool has_bits = __builtin_cpu_supports("bmi") != 0 && __builtin_cpu_supports("bmi2") != 0 &&
                        __builtin_cpu_supports("popcnt") != 0;
  if (has_bits && __builtin_cpu_supports("avx2") != 0) {
    add(Kernel::kAvx2);
    if (__builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512vl") != 0 &&
        __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512vbmi") != 0 &&
        __builtin_cpu_supports("avx512vbmi2") != 0) {
      add(Kernel::kAvx512);
    }
  }
#elif defined(__aarch64__)
  add(Kernel::kNeon);
#endif
  return kernels;
}

bool choose_kernel(std::string_view name, Kernel& kernel) {
  const Kernels kernels = supported_kernels();
  if (name.empty()) {
    kernel = kernels.of[kernels.count - 1];
    return true;
  }
  const Kernel* end = kernels.of + kernels.count;
  const Kernel* found = std::find_if(
      kernels.of, end, [name](Kernel candidate) { return kernel_name(candidate) == name; });
  if (found == end) {
    return false;
  }
  kernel = *found;
  return true;
}

bool chosen_kernel(Kernel& kernel) {
  static const Choice kChoice = read_environment();
  kernel = kChoice.kernel;
  return kChoice.known;
}

}  // namespace mf
