// Which instruction set the fast path uses: the best that this CPU has, or the one that the
// environment variable METER_FAST_KERNEL names. `reference` turns the fast path off.
#pragma once

#include <cstdint>
#include <string_view>

namespace mf {

enum class Kernel : uint8_t { kReference, kSse2, kAvx2, kAvx512, kNeon };

/// As in METER_FAST_KERNEL.
std::string_view kernel_name(Kernel kernel);

/// The kernels that this CPU can run; `reference` first, the fastest last.
struct Kernels {
  Kernel of[4];
  uint32_t count;
};
Kernels supported_kernels();

/// The kernel called `name`, or the fastest when `name` is empty. False: there is none of this
/// name, or this CPU cannot run it.
bool choose_kernel(std::string_view name, Kernel& kernel);

/// The same for the value of METER_FAST_KERNEL, which is read once.
bool chosen_kernel(Kernel& kernel);

}  // namespace mf
