// The only test tool of the C++ tests: CHECK prints what was false and ends the program with 1.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace mf::test {

/// What the program is busy with; printed when a check fails.
inline const char* busy_with = "";

inline void check(bool holds, const char* condition, const char* file, int line) {
  if (!holds) {
    std::fprintf(stderr, "%s:%d: not true: %s (%s)\n", file, line, condition, busy_with);
    std::exit(1);
  }
}

}  // namespace mf::test

#define CHECK(...) ::mf::test::check((__VA_ARGS__), #__VA_ARGS__, __FILE__, __LINE__)
