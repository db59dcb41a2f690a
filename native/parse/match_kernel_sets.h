// The instruction sets that the shape match is compiled for; each in a file of its own.
#pragma once

#include "native/parse/match_kernel.h"

namespace mf {
namespace avx512 {
extern const MatchKernel kMatchKernel;
}
namespace avx2 {
extern const MatchKernel kMatchKernel;
}
namespace sse2 {
extern const MatchKernel kMatchKernel;
}
namespace neon {
extern const MatchKernel kMatchKernel;
}
}  // namespace mf
