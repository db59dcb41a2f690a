// The kernel of the shape match for an instruction set.
#pragma once

#include "native/base/kernel.h"
#include "native/parse/match_kernel.h"

namespace mf {

/// nullptr for `reference`, and for a kernel of another architecture.
const MatchKernel* find_match_kernel(Kernel kernel);

}  // namespace mf
