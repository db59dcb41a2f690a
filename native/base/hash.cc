#include "native/base/hash.h"

#include <sys/random.h>

#include <ctime>

namespace mf {
namespace {

HashSeed draw_seed() {
  HashSeed seed{};
  if (getrandom(&seed, sizeof seed, 0) != static_cast<ssize_t>(sizeof seed)) {
    // Only a kernel before 3.17 gets here. Addresses and time are weak, yet no fixed seed.
    timespec now{};
    (void)clock_gettime(CLOCK_REALTIME, &now);
    seed.a = static_cast<uint64_t>(now.tv_nsec) * 0x9E3779B97F4A7C15ULL;
    seed.b = reinterpret_cast<uintptr_t>(&seed) ^ static_cast<uint64_t>(now.tv_sec);
  }
  return seed;
}

}  // namespace

const HashSeed& hash_seed() {
  static const HashSeed kSeed = draw_seed();
  return kSeed;
}

}  // namespace mf
