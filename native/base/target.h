// Compiles a region of a file for a CPU that has more instructions than the rest of the program may
// use. Only what is written between begin and end is: headers are included before, so that none of
// their inline functions can end up with instructions that the CPU it runs on does not have.
//
// A region holds functions of internal linkage only, and its own file's. No lambda, no template: a
// compiler may forget the region's target for these.
#pragma once

#define MF_PRAGMA(text) _Pragma(#text)

#if defined(__clang__)
#define MF_TARGET_BEGIN(names) \
  MF_PRAGMA(clang attribute push(__attribute__((target(names))), apply_to = function))
#define MF_TARGET_END MF_PRAGMA(clang attribute pop)
#else
#define MF_TARGET_BEGIN(names) \
  MF_PRAGMA(GCC push_options)  \
  MF_PRAGMA(GCC target(names)) \
  MF_PRAGMA(GCC optimize("no-tree-vectorize"))
#define MF_TARGET_END MF_PRAGMA(GCC pop_options)
#endif

/// For what a kernel's loops are made of: a call would cost more than the work.
#define MF_INLINE inline __attribute__((always_inline))
