#include "native/parse/match_kernels.h"

#include "native/parse/match_kernel_sets.h"

namespace mf {

const MatchKernel* find_match_kernel(Kernel kernel) {
  switch (kernel) {
#if defined(__x86_64__)
    case Kernel::kSse2:
      return &sse2::kMatchKernel;
    case Kernel::kAvx2:
      return &avx2::kMatchKernel;
    case Kernel::kAvx512:
      return &avx512::kMatchKernel;
#elif defined(__aarch64__)
    case Kernel::kNeon:
      return &neon::kMatchKernel;
#endif
    default:
      return nullptr;
  }
}

}  // namespace mf
